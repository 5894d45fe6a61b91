# ruff: noqa: T201  # run by hand, it prints
"""Exports networks of timm and torchvision and holds their maps against PyTorch. Run by hand:

    python tests/importing/export_more.py FOLDER [--exporter ts|dy] [--again] [NAME…]

It needs torch, torchvision, timm, onnx and onnxscript. The files, without their weights, and what
PyTorch counts are kept in FOLDER, so that ``--again`` only maps them. MACs are half of what
``FlopCounterMode`` counts, with attention computed by matrix products: it counts fused attention
on a CPU as 0.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
import traceback
import warnings
from functools import cache
from pathlib import Path
from typing import Any

NETWORKS = {  # name: input size
    "tv:alexnet": 224,
    "tv:vgg11_bn": 224,
    "tv:squeezenet1_0": 64,
    "tv:shufflenet_v2_x0_5": 64,
    "tv:mobilenet_v3_small": 64,
    "tv:mnasnet0_5": 64,
    "tv:efficientnet_v2_s": 64,
    "tv:regnet_x_400mf": 64,
    "tv:swin_v2_t": 64,
    "tv:maxvit_t": 224,
    "tv:vit_b_32": 224,
    "tv:segmentation.deeplabv3_mobilenet_v3_large": 64,
    "timm:resnet18d": 64,
    "timm:nf_resnet26": 64,
    "timm:resnetv2_50": 64,
    "timm:regnety_002": 64,
    "timm:efficientformer_l1": 224,
    "timm:levit_128s": 224,
    "timm:deit_tiny_distilled_patch16_224": 224,
    "timm:pit_ti_224": 224,
    "timm:coat_lite_tiny": 224,
    "timm:cait_xxs24_224": 224,
    "timm:xcit_nano_12_p16_224": 224,
    "timm:crossvit_tiny_240": 240,
    "timm:twins_pcpvt_small": 224,
    "timm:pvt_v2_b0": 224,
    "timm:mixer_s32_224": 224,
    "timm:resmlp_12_224": 224,
    "timm:gmlp_s16_224": 224,
    "timm:eva02_tiny_patch14_224": 224,
    "timm:mobileone_s0": 64,
    "timm:lcnet_050": 64,
    "timm:rexnet_100": 64,
    "timm:ese_vovnet19b_dw": 64,
    "timm:darknet17": 64,
    "timm:dpn48b": 64,
    "timm:botnet26t_256": 256,
    "timm:halonet26t": 256,
    "timm:lambda_resnet26t": 256,
    "timm:gcresnet33ts": 64,
    "timm:resnest14d": 64,
    "timm:inception_next_atto": 64,
    "timm:mobilevitv2_050": 64,
    "timm:efficientvit_b0": 64,
    "timm:davit_tiny": 64,
    "timm:coatnet_nano_rw_224": 224,
    "timm:starnet_s1": 64,
    "timm:tiny_vit_5m_224": 224,
    "timm:swiftformer_xs": 224,
    "timm:repvit_m0_9": 64,
    "timm:ghostnetv2_100": 64,
    "timm:sequencer2d_s": 224,
    "timm:volo_d1_224": 224,
    "timm:focalnet_tiny_srf": 64,
}
MOST = 65_536  # elements of a tensor whose numbers are kept


@cache
def libraries() -> Any:
    """The definitions that torchvision's wheel without its compiled part lacks."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def built(name: str) -> Any:
    """The network in evaluation mode, with weights that no exporter takes for equal or zero."""
    import torch

    libraries()
    torch.backends.mha.set_fastpath_enabled(False)  # whose products are not counted
    where, _, own = name.partition(":")
    if where == "tv":
        import torchvision

        module: Any = torchvision.models
        *folders, last = own.split(".")
        for folder in folders:
            module = getattr(module, folder)
        more = {"weights_backbone": None} if folders else {}
        model = getattr(module, last)(weights=None, **more)
    else:
        import timm

        timm.layers.set_fused_attn(False)
        model = timm.create_model(own, pretrained=False)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 1e-3)
            parameter.requires_grad_(False)
    return model.eval()


def counted(model: Any, x: Any) -> int:
    """PyTorch's MACs."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(x)
    return int(counter.get_total_flops()) // 2


def exported(model: Any, x: Any, exporter: str) -> bytes:
    """The ONNX file without its large weights."""
    import io

    import onnx
    import torch

    with contextlib.redirect_stdout(io.StringIO()):
        if exporter == "ts":
            stream = io.BytesIO()
            torch.onnx.export(model, (x,), stream, dynamo=False, opset_version=17)
            found = onnx.load_from_string(stream.getvalue())
        else:
            found = torch.onnx.export(model, (x,), dynamo=True, verbose=False).model_proto
    for tensor in found.graph.initializer:
        size = 1
        for dim in tensor.dims:
            size *= dim
        if size > (MOST if tensor.data_type in (6, 7) else 1024):
            tensor.ClearField("raw_data")
    return bytes(found.SerializeToString())


def mapped(content: bytes, name: str) -> tuple[int | str, list[str]]:
    """The MACs of the map of a file and its findings."""
    from convcalc.analysis.analyse import analyse
    from convcalc.importing.opening import read_target
    from convcalc.language.sources.target import Target

    found = read_target(Target(f"{name}.onnx", None, content, format="onnx"))
    texts = [f"{each.place.element}: {each.message}" for each in found.problems]
    return analyse(found).totals.macs, texts


def run(name: str, exporter: str, folder: Path, *, again: bool) -> bool | None:
    """Whether the map of a network is complete and has PyTorch's MACs."""
    stem = name.replace(":", "_")
    file, truth = folder / f"{stem}.{exporter}.onnx", folder / f"{stem}.json"
    if again and not file.exists():
        return None
    began = time.monotonic()
    if not file.exists():
        import torch

        model = built(name)
        x = torch.randn(1, 3, NETWORKS[name], NETWORKS[name])
        if not truth.exists():
            truth.write_text(json.dumps({"macs": counted(model, x)}))
        file.write_bytes(exported(model, x, exporter))
    wanted = json.loads(truth.read_text())["macs"]
    macs, texts = mapped(file.read_bytes(), stem)
    good = macs == wanted and not texts
    took = time.monotonic() - began
    print(f"{name} {exporter}: {'ok' if good else 'NOT'} {macs} {wanted} {took:.0f} s", flush=True)
    for text in texts[:4]:
        print(f"    {text}", flush=True)
    return good


def main() -> int:
    """Export, map, compare; the number of networks that differ."""
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("names", nargs="*")
    asked.add_argument("--exporter", choices=("ts", "dy"))
    asked.add_argument("--again", action="store_true")
    given = asked.parse_args()
    given.folder.mkdir(exist_ok=True)
    warnings.simplefilter("ignore")
    done = []
    for exporter in (given.exporter,) if given.exporter else ("ts", "dy"):
        for name in given.names or NETWORKS:
            try:
                done.append(run(name, exporter, given.folder, again=given.again))
            except Exception as error:  # one that cannot be exported is named
                print(f"{name} {exporter}: {type(error).__name__}: {str(error)[:200]}", flush=True)
                if given.names:
                    traceback.print_exc()
    real = [each for each in done if each is not None]
    print(f"{sum(real)} of {len(real)}")
    return len(real) - sum(real)


if __name__ == "__main__":
    sys.exit(main())
