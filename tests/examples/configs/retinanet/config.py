_base_ = ["./schedule_1x.py"]
levels = [256, 512, 1024, 2048]
norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    type="RetinaNet",
    backbone=dict(
        type="ResNet", depth=50, num_stages=4, out_indices=(0, 1, 2, 3), norm_cfg=norm_cfg
    ),
    neck=dict(type="FPN", in_channels=levels, start_level=1, out_channels=256, num_outs=5),
    bbox_head=dict(
        type="RetinaHead",
        num_classes=80,
        stacked_convs=4,
        feat_channels=256,
        anchor_generator=dict(
            scales_per_octave=3, ratios=[0.5, 1.0, 2.0], strides=[8, 16, 32, 64, 128]
        ),
    ),
)
lr_config = dict(policy="step", step=[8, 11], warmup_iters=int(500))
