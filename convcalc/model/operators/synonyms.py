"""Words of PyTorch, Keras, TensorFlow, ONNX, MMCV and papers, and what convcalc calls them.

They are used for suggestions, never accepted. Network files, the command line and Python programs
share the tables; they are imported only once a word is unknown. Names of operators are compared
without ``_``, capitals and ``2d``: ``Conv2DTranspose`` is ``convtranspose``.
"""

from __future__ import annotations

OPAQUE = "opaque"  # stands for what convcalc lacks


def _words(text: str) -> list[str]:
    return text.split()


def _table(text: str) -> dict[str, str]:
    """A mapping from each word to the one before the colon of its line."""
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {word: name.strip() for name, _, words in lines for word in words.split()}


# What convcalc calls it: what others call it.
OPERATORS = _table("""
adaptive_avg_pool: adaptiveaveragepool adaptiveaveragepooling adaptavgpool spp ppm
adaptive_max_pool: adaptivemaxpooling
add: sum plus addition elementwiseadd skipadd eltwise
attention: multiheadattention mha multihead selfattention mhsa nonlocal sa
avg_pool: averagepool averagepooling meanpool avgpooling
batch_norm: bn batchnormalization batchnormalisation syncbatchnorm syncbn
batch_norm: batchnormact frozenbatchnorm
batch_norm: fusedbatchnorm fusedbatchnormv3
batch_to_space: batchtospacend
bilinear_conv_transpose: bilinearupsample bilineardeconv
blur_pool: maxblurpool antialias antialiasing blur
channel_attention: mdta xca transposedattention
channel_shuffle: shuffle shufflechannel shufflechannels
chunk: split
concat: cat concatenate concatenation merge route densecat
cond_conv: condconv dynamicconv mixtureconv
conv: convolution lazyconv standardconv samepadconv asymmetricconv
conv_lstm: convlstmcell
conv_gru: convgrucell
conv_transpose: convtransposed transposedconv transposeconv transposedconvolution deconv
conv_transpose: deconvolution upconv upconvolution convt convtrans fractionallystridedconv
conv_transpose: backwardsconv lazyconvtranspose tconv convtransposed
coord_conv: addcoords
correlation: corr costvolume corrlayer
crop: cropping centercrop randomcrop
deform_conv: dcn dcnv2 dcnv3 dcnv4 deformableconv deformconv modulateddeformconv deformconvpack
deform_conv: deformableconvolution
depthwise_conv: depthwise dwconv convdw dw depthwiseconvolution
dot_product_attention: scaleddotproductattention sdpa
dropout: alphadropout featurealphadropout spatialdropout droppath stochasticdepth dropblock
embedding: embed lookuptable
fixed_conv: sobel gaussianblur laplacian
flatten: ravel
fold: col2im
fourier_unit: fouriertransformunit ffcunit fastfourierconv fastfourierconvolution
fractional_max_pool: fractionalmaxpooling
gelu: geluactivation
global_avg_pool: gap globalaveragepool globalaveragepooling gapool globalpool globalpooling
global_filter: gfnet fourierfilter
global_max_pool: gmp globalmaxpooling
global_response_norm: grn
group_norm: gn groupnormalization
hardsigmoid: hsigmoid
hardswish: hswish
hardtanh: clip clamp clippedrelu
identity: noop linearactivation passthrough
instance_norm: in instancenormalization
layer_norm: ln layernormalization layernormact
layer_scale: layerscale gamma
leaky_relu: lrelu leaky
linear: dense fc fullyconnected gemm innerproduct lazylinear affine mlp
local_response_norm: lrn crossmaplrn
locally_connected: localconv unsharedconv
log_softmax: logsoftmax
lp_pool: lppooling powerpool
matmul: matmulinteger bmm batchmatmul mm dot
max_pool: maxpooling mp
max_unpool: unpool unpooling maxunpooling
maximum: max
mix_conv: mixedconv mdconv
mul: multiply product times elementwisemul prod gate
pad: zeropad zeropadding padding constantpad
permute: transpose swapaxes
pixel_shuffle: depthtospace subpixel subpixelconv pixelshuffler
pixel_unshuffle: spacetodepth reorg focus
pointwise_conv: pointwise pwconv conv1x1 pw 1x1conv
prelu: parametricrelu
reduce: reducemean reducemax reducesum mean
relu6: relusix
reshape: view unflatten rearrange
rms_norm: rmsnormalization
roi_align: roialignrotated
roi_pool: roipooling
scale: multiplyconstant
shift: biasadd addbias
selective_scan: mamba ssm s6 ss2d
separable_conv: separableconvolution depthwiseseparableconv sepconv dsconv
separable_conv: depthwiseseparableconvmodule
seq: sequential modulelist
residual: shortcut skipconnection
sigmoid: logistic
silu: swish
slice: stridedslice narrow
softmax: softmaxactivation softmaxlayer
space_to_batch: spacetobatchnd
spatially_separable_conv: factorizedconv factorisedconv
spectral_conv: fourierconv fno
squeeze_excite: se selayer semodule seblock squeezeexcitation squeezeandexcitation sqex
stack: pack
submanifold_conv: subm submconv submanifoldconv sparseconv
unfold: im2col extractpatches extractimagepatches
upsample: interpolate resize upsampling upscale resizebilinear resizenearest upsamplingnearest
upsample: upsamplingbilinear bilinear bilinearinterpolation nearestneighbor
window_attention: swinattention shiftedwindowattention wmsa
""")
# What takes a field as well: the operator, and what to give it.
WITH_FIELDS = {
    "reflectionpad": ("pad", "mode: reflect"),
    "replicationpad": ("pad", "mode: replicate"),
    "circularpad": ("pad", "mode: circular"),
    "groupedconv": ("conv", "groups"),
    "groupconv": ("conv", "groups"),
    "maskedconv": ("conv", "mask"),
    "causalconv": ("conv", "padding: causal"),
    "dilatedconv": ("conv", "dilation"),
    "atrousconv": ("conv", "dilation"),
    "dilatedconvolution": ("conv", "dilation"),
    "atrousconvolution": ("conv", "dilation"),
    "stridedconv": ("conv", "stride"),
    "bilstm": ("lstm", "bidirectional: true"),
    "bigru": ("gru", "bidirectional: true"),
    "subtract": ("elementwise", "op: sub"),
    "sub": ("elementwise", "op: sub"),
    "div": ("elementwise", "op: div"),
    "divide": ("elementwise", "op: div"),
    "pow": ("elementwise", "op: pow"),
    "sqrt": ("elementwise", "op: sqrt"),
    "exp": ("elementwise", "op: exp"),
    "log": ("elementwise", "op: log"),
    "abs": ("elementwise", "op: abs"),
    "minimum": ("elementwise", "op: minimum"),
}
# Several layers for one word of others.
SEVERAL = {
    "activation": "the activation itself, such as 'relu'",
    "average": "'add', and 'elementwise' with 'op: div' after it",
    "convmodule": "'conv', 'batch_norm' and 'relu' in a 'seq' or a block",
    "convbnrelu": "'conv', 'batch_norm' and 'relu' in a 'seq' or a block",
    "convbnact": "'conv', 'batch_norm' and 'silu' in a 'seq' or a block",
    "convnormact": "'conv', 'batch_norm' and 'relu' in a 'seq' or a block",
    "aspp": "'branches' of 'conv' with 'dilation', joined by concat",
    "transformerencoderlayer": "'residual' with 'attention', and one with 'linear'",
}
# What convcalc lacks, by the same spelling; ``opaque`` states its numbers.
LACKING = frozenset(
    _words("""
    rnn simplernn rnncell lstmcell grucell transformer transformerdecoder
    transformerdecoderlayer hardshrink softshrink tanhshrink threshold thresholdedrelu rrelu
    softmin bilinearlayer cosinesimilarity pairwisedistance embeddingbag topk argmax argmin
    nonmaxsuppression nms gather gathernd scatternd einsum where cumsum fft rfft ifft stft dft
    capsule capsnet graphconv gcnconv gatconv messagepassing lambda loop if scan quantizelinear
    dequantizelinear spectrogram melspectrogram crossentropyloss mseloss loss ctcloss bucketize
    hashing stringlookup textvectorization randomflip randomrotation rescaling normalization
    kan kanlinear hyena retention retnet rwkv xlstm slot slotattention repeatvector vq
    vectorquantizer
    """)
)

# Fields: for each word of others, ours; the first that the operator has.
FIELDS: dict[str, tuple[str, ...]] = {
    word: tuple(names.split())
    for names, _, words in (
        line.partition(":")
        for line in """
out_channels hidden_channels hidden_size: ch channels filters units features out_features planes
out_channels hidden_channels hidden_size: outchannels num_filters nfilters num_output num_outputs
out_channels hidden_channels hidden_size: out_ch c_out cout out_dim output_dim num_features n_out
out_channels hidden_channels hidden_size: width embed_dim dim_out num_classes oc nf projection_dim
kernel_size size: kernel ksize pool_size window filter_size kernel_shape window_size poolsize
kernel_size: kernel_dim
stride factor scale: strides subsample subsampling stride_size downsample
padding margins: pad pads paddings pad_width cropping padding_size auto_pad border
dilation: dilation_rate dilations rate rates atrous_rate atrous holes
groups: num_groups n_groups group cardinality feature_group_count group_count ngroups
bias: use_bias bias_term with_bias has_bias bias_attr no_bias
heads: num_heads n_heads nhead nheads n_head head_count
rate: p prob drop_prob drop_rate dropout_rate keep_prob dropout ratio
scale factor: scale_factor upscale_factor upsample_factor scales scale_size multiplier
factor scale: block_size blocksize downscale_factor upscale r
size output_size: target_size out_size output_shape target_shape new_size
output_size: out_size bins pooled_size pooled_shape output_shape crop_size
groups: num_channels_per_group
negative_slope: slope alpha leak leakiness neg_slope
affine: elementwise_affine learnable scale_and_shift trainable_scale
scale: gamma center_scale
mode: interpolation method interpolation_mode resize_mode coordinate
ceil_mode: ceil round_up
align_corners: half_pixel_centers aligned_corners
axis: dim axes concat_dim channel_axis
reduction: reduction_ratio squeeze_ratio rd_ratio se_ratio r
squeeze_channels: squeeze_planes rd_channels
shape dims: target_shape new_shape perm permutation order dimensions
sizes: split_sizes split_size_or_sections size_splits num_or_size_splits sections
chunks: num_splits num_chunks parts
key_channels: key_dim head_dim kdim dim_head qk_dim
value_channels: value_dim vdim v_dim
num_embeddings: input_dim vocab_size num_tokens vocabulary
embedding_dim: embed_dim embedding_size output_dim hidden_dim
hidden_size: units hidden_dim num_units hidden n_hidden
num_layers: n_layers layers depth
deform_groups: deformable_groups offset_groups
depth_multiplier: channel_multiplier depthwise_multiplier expand
padding_mode: pad_mode
output_padding: out_pad outpad out_padding output_pad
offset: displacement
norm_type: norm power
experts: num_experts k
alpha_out: alphaout alpha
spatial_scale: roi_scale
rois: num_rois
max_displacement: search_range radius
op: operation
value: constant
shape: view
window_size: window ws
state_size: d_state n_state
track_running_stats: running_stats
count_include_pad: include_pad count_padding
""".strip().splitlines()
    )
    for word in words.split()
}
# A word may stand in several lines; the later ones add their names.
for _line in (
    "features: out_channels",
    "window_size: kernel_size",
    "window: kernel_size",
    "embed_dim: out_channels embedding_dim",
    "output_dim: out_channels embedding_dim",
    "units: out_channels hidden_channels hidden_size",
    "hidden_dim: hidden_size hidden_channels embedding_dim",
    "rate: dilation",
    "p: rate norm_type",
    "alpha: negative_slope alpha_out",
    "r: reduction factor",
    "ratio: rate reduction",
    "scale_factor: scale factor",
    "upscale_factor: factor scale",
    "output_shape: output_size size shape",
    "target_shape: shape size output_size",
    "num_features: out_channels",
    "upscale: factor scale",
):
    _word, _, _names = _line.partition(":")
    FIELDS[_word] = tuple(_names.split())

_INFERRED = "input channels are inferred"
_LEARNED = "it changes no number"
# Fields of others that have no counterpart, and why they can go.
REMOVED = {
    **dict.fromkeys(
        _words(
            "in_channels in_features in_planes inplanes in_ch c_in cin num_input input_dim "
            "input_shape input_size in_dim num_channels normalized_shape num_parameters ic "
            "in_chans input_channels num_features"
        ),
        _INFERRED,
    ),
    **dict.fromkeys(
        _words(
            "eps epsilon momentum inplace dtype device kernel_initializer bias_initializer "
            "kernel_regularizer bias_regularizer kernel_constraint weight_decay lr seed training "
            "initializer regularizer weights weight init gain recompute_scale_factor antialias "
            "activity_regularizer beta_initializer gamma_initializer return_indices noise_shape "
            "batch_first track requires_grad"
        ),
        _LEARNED,
    ),
    **dict.fromkeys(
        ("data_format", "dataformat", "layout", "channels_last"), "channels always come first"
    ),
    **dict.fromkeys(("start_dim", "end_dim"), "all axes of a sample are flattened"),
    **dict.fromkeys(
        ("act", "act_layer", "activation", "act_cfg", "nonlinearity", "activation_fn"),
        "the activation is an item of its own",
    ),
    **dict.fromkeys(
        ("norm", "norm_layer", "norm_cfg", "normalization", "bn"), "the norm is an item of its own"
    ),
    **dict.fromkeys(("name", "layer_name"), "'id' beside the layer names it"),
    **dict.fromkeys(("return_sequences", "return_state"), "the whole sequence is returned"),
}

# Values that are words.
VALUES: dict[str, tuple[str, ...]] = {
    "bilinear": ("linear",),
    "trilinear": ("linear",),
    "bicubic": ("cubic",),
    "nearest-exact": ("nearest_exact",),
    "nearest_neighbor": ("nearest",),
    "nearest_neighbour": ("nearest",),
    "reflection": ("reflect",),
    "symmetric": ("reflect",),
    "mirror": ("reflect",),
    "edge": ("replicate",),
    "replication": ("replicate",),
    "border": ("replicate",),
    "wrap": ("circular",),
    "periodic": ("circular",),
    "zero": ("zeros", "constant"),
    "zeros": ("constant",),
    "constant": ("zeros",),
    "avg": ("mean",),
    "average": ("mean",),
    "maximum": ("max",),
    "same_upper": ("same",),
    "channel": ("channels",),
    "c": ("channels",),
    "h": ("height",),
    "w": ("width",),
    "swish": ("silu",),
    "hsigmoid": ("hardsigmoid",),
    "hard_sigmoid": ("hardsigmoid",),
    "multiply": ("mul",),
    "subtract": ("sub",),
    "divide": ("div",),
    "concatenate": ("concat",),
    "cat": ("concat",),
    "sum": ("add",),
}

# Keys at the top of a file, beside a layer, and of params.
KEYS: dict[str, tuple[str, ...]] = {
    "input_shape": ("input",),
    "input_size": ("input",),
    "in_shape": ("input",),
    "image_size": ("input",),
    "network": ("layers",),
    "net": ("layers",),
    "model": ("layers",),
    "backbone": ("layers",),
    "architecture": ("layers",),
    "modules": ("blocks", "layers"),
    "body": ("layers",),
    "steps": ("layers",),
    "version": ("convcalc",),
    "title": ("name",),
    "parameters": ("params",),
    "args": ("params",),
    "hyperparameters": ("params",),
    "variables": ("params",),
    "module": ("blocks",),
    "output": ("outputs",),
    "heads": ("outputs",),
    "include": ("imports",),
    "import": ("imports",),
    "includes": ("imports",),
    "def": ("functions",),
    "limits": ("budgets",),
    "budget": ("budgets",),
    "expected": ("expect",),
    "name": ("id",),
    "label": ("id",),
    "layer_name": ("id",),
    "inputs": ("from",),
    "input": ("from",),
    "bottom": ("from",),
    "src": ("from",),
    "source": ("from",),
    "inbound_nodes": ("from",),
    "times": ("repeat",),
    "repeats": ("repeat",),
    "num_repeats": ("repeat",),
    "number": ("repeat",),
    "n": ("repeat",),
    "count": ("repeat",),
    "num_blocks": ("repeat",),
    "when": ("if",),
    "condition": ("if",),
    "comment": ("note",),
    "frozen": ("trainable",),
    "requires_grad": ("trainable",),
    "reuse": ("share",),
    "tie": ("share",),
    "foreach": ("for",),
    "loop": ("for",),
    "optional": ("default",),
    "value": ("default",),
    "minimum": ("min",),
    "maximum": ("max",),
    "enum": ("choices",),
    "options": ("choices",),
    "doc": ("help", "note", "description"),
}
