"""Functions and classes that written code has with it, where Keras lacks an operator.

Each is the text that is written, with what else it needs.
"""

from __future__ import annotations

from collections.abc import Iterable

HELPERS: dict[str, str] = {}


def _helper(text: str) -> None:
    name = text.strip().split("(", 1)[0].split()[-1]
    if text.strip().startswith("@"):
        name = next(
            line.split()[1].split("(")[0]
            for line in text.splitlines()
            if line.startswith(("class ", "def "))
        )
    HELPERS[name] = text.strip()


_helper('''
def make_divisible(value, divisor=8):
    """The multiple of divisor nearest to value, at least divisor, at most 10 % smaller."""
    made = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return made + divisor if made < 0.9 * value else made
''')
_helper('''
def max_pool(x, pool_size, strides, padding=0, ceil_mode=False):
    """Max pooling with PyTorch's padding, which is never a maximum, and its rounding up."""
    rank = len(x.shape) - 2
    sides = [padding] * rank if isinstance(padding, int) else padding
    sides = [(side, side) if isinstance(side, int) else side for side in sides]
    kernel, steps = (
        (each,) * rank if isinstance(each, int) else each for each in (pool_size, strides)
    )
    if ceil_mode:
        for axis, (n, k, s) in enumerate(zip(x.shape[1:-1], kernel, steps)):
            before, after = sides[axis]
            more = -(n + before + after - k) % s
            starts_inside = n + before + after - k + more < n + before
            sides[axis] = (before, after + more if starts_inside else after)
    x = ops.pad(x, ((0, 0), *sides, (0, 0)), constant_values=-1e30)
    pool = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)[rank - 1]
    return pool(pool_size, strides)(x)
''')
_helper('''
def resize_aligned(x, height, width):
    """Bilinear interpolation in which the first and the last positions stay where they are."""
    for axis, size in ((1, height), (2, width)):
        n = x.shape[axis]
        at = [k * (n - 1) / max(size - 1, 1) for k in range(size)]
        low = [min(int(each), max(n - 2, 0)) for each in at]
        high = [min(each + 1, n - 1) for each in low]
        weight = ops.reshape(
            ops.convert_to_tensor([a - b for a, b in zip(at, low)], "float32"),
            (1, size, 1, 1) if axis == 1 else (1, 1, size, 1),
        )
        x = ops.take(x, low, axis) * (1 - weight) + ops.take(x, high, axis) * weight
    return x
''')
_helper('''
def channel_shuffle(x, groups):
    """The channels of all groups interleaved."""
    *_, channels = x.shape
    sizes = x.shape[1:-1]
    x = layers.Reshape((*sizes, groups, channels // groups))(x)
    axes = range(1, len(sizes) + 1)
    x = layers.Permute((*axes, len(sizes) + 2, len(sizes) + 1))(x)
    return layers.Reshape((*sizes, channels))(x)
''')
_helper('''
def pixel_shuffle(x, factor):
    """Channels to positions: c * factor**2 channels become c, each position factor x factor."""
    _, height, width, channels = x.shape
    c = channels // factor**2
    x = layers.Reshape((height, width, c, factor, factor))(x)
    x = layers.Permute((1, 4, 2, 5, 3))(x)
    return layers.Reshape((height * factor, width * factor, c))(x)
''')
_helper('''
def pixel_unshuffle(x, factor):
    """Positions to channels: each factor x factor positions become one."""
    _, height, width, channels = x.shape
    x = layers.Reshape((height // factor, factor, width // factor, factor, channels))(x)
    x = layers.Permute((1, 3, 5, 2, 4))(x)
    return layers.Reshape((height // factor, width // factor, channels * factor**2))(x)
''')
_helper('''
def squeeze_excite(x, squeezed, activation="relu", gate="sigmoid", use_bias=True):
    """Each channel of a map is scaled by a gate that is computed from all of them."""
    y = ops.mean(x, axis=tuple(range(1, len(x.shape) - 1)), keepdims=True)
    y = layers.Dense(squeezed, activation=activation, use_bias=use_bias)(y)
    y = layers.Dense(x.shape[-1], activation=gate, use_bias=use_bias)(y)
    return layers.multiply([x, y])
''')
_helper('''
def partial_conv(x, kernel_size, n_div):
    """A convolution of the first 1/n_div of the channels; the others pass untouched."""
    c = x.shape[-1] // n_div
    y = layers.Conv2D(c, kernel_size, padding="same", use_bias=False)(x[..., :c])
    return layers.concatenate([y, x[..., c:]])
''')
_helper('''
def large_kernel_attention(x, kernel_size, dilation):
    """A gate made by two depthwise kernels that stand for a large one, and a pointwise one."""
    y = layers.DepthwiseConv2D(2 * dilation - 1, padding="same")(x)
    taps = -(-kernel_size // dilation)
    y = layers.DepthwiseConv2D(taps, padding="same", dilation_rate=dilation)(y)
    return layers.multiply([x, layers.Conv2D(x.shape[-1], 1)(y)])
''')
_helper('''
def mix_conv(x, kernel_sizes, strides, use_bias=False):
    """Depthwise kernels of several sizes, each on its share of the channels; padding k // 2."""
    rest = x.shape[-1] // len(kernel_sizes)
    start, parts = 0, []
    for k in kernel_sizes:
        stop = start + rest if parts else x.shape[-1] - rest * (len(kernel_sizes) - 1)
        y = layers.ZeroPadding2D(k // 2)(x[..., start:stop])
        parts.append(layers.DepthwiseConv2D(k, strides, use_bias=use_bias)(y))
        start = stop
    return layers.concatenate(parts)
''')
_helper('''
def ghost_conv(x, filters, kernel_size, dw_size, ratio, strides, relu=True):
    """A convolution of filters / ratio channels, and cheap filters of them for the others."""
    own = -(-filters // ratio)
    x = layers.ZeroPadding2D(kernel_size // 2)(x)
    x = layers.Conv2D(own, kernel_size, strides, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x) if relu else x
    y = layers.DepthwiseConv2D(
        dw_size, padding="same", depth_multiplier=ratio - 1, use_bias=False
    )(x)
    y = layers.BatchNormalization()(y)
    y = layers.ReLU()(y) if relu else y
    return layers.concatenate([x, y])[..., :filters]
''')
_helper('''
def dot_product_attention(q, k, v, heads, kv_heads=None):
    """Attention of given queries, keys and values, all positions of which see each other."""
    kv_heads = kv_heads or heads
    q_ = layers.Reshape((-1, heads, q.shape[-1] // heads))(q)
    k_ = layers.Reshape((-1, kv_heads, k.shape[-1] // kv_heads))(k)
    v_ = layers.Reshape((-1, kv_heads, v.shape[-1] // kv_heads))(v)
    if kv_heads < heads:
        k_, v_ = (ops.repeat(each, heads // kv_heads, axis=2) for each in (k_, v_))
    scores = ops.einsum("bnhd,bmhd->bhnm", q_, k_) * (q.shape[-1] // heads) ** -0.5
    made = ops.einsum("bhnm,bmhe->bnhe", ops.softmax(scores), v_)
    return layers.Reshape((*q.shape[1:-1], made.shape[-2] * made.shape[-1]))(made)
''')
_helper('''
@keras.saving.register_keras_serializable()
class Scale(layers.Layer):
    """Each channel, or with per_channel false the whole tensor, times a learned number."""

    def __init__(self, per_channel=True, **kwargs):
        super().__init__(**kwargs)
        self.per_channel = per_channel

    def build(self, input_shape):
        shape = (input_shape[-1] if self.per_channel else 1,)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")

    def call(self, inputs):
        return inputs * self.scale

    def get_config(self):
        return {**super().get_config(), "per_channel": self.per_channel}
''')
_helper('''
@keras.saving.register_keras_serializable()
class Shift(layers.Layer):
    """Each channel, or with per_channel false the whole tensor, plus a learned number."""

    def __init__(self, per_channel=True, **kwargs):
        super().__init__(**kwargs)
        self.per_channel = per_channel

    def build(self, input_shape):
        shape = (input_shape[-1] if self.per_channel else 1,)
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")

    def call(self, inputs):
        return inputs + self.shift

    def get_config(self):
        return {**super().get_config(), "per_channel": self.per_channel}
''')
_helper('''
@keras.saving.register_keras_serializable()
class GlobalResponseNorm(layers.Layer):
    """ConvNeXt V2's norm: channels compete by their norms over all positions."""

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="zeros", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

    def call(self, inputs):
        axes = tuple(range(1, len(inputs.shape) - 1))
        norms = ops.sqrt(ops.sum(ops.square(inputs), axis=axes, keepdims=True))
        scaled = inputs * norms / (ops.mean(norms, axis=-1, keepdims=True) + 1e-6)
        return self.gamma * scaled + self.beta + inputs
''')
_helper('''
@keras.saving.register_keras_serializable()
class Parameter(layers.Layer):
    """A learned tensor, channels last, once for each sample of what it is called with."""

    def __init__(self, shape, trainable=True, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        self.shape = shape

    def build(self, input_shape):
        self.weight = self.add_weight(shape=(1, *self.shape), name="weight")

    def call(self, inputs):
        return ops.repeat(self.weight, ops.shape(inputs)[0], axis=0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
''')


def texts(names: Iterable[str]) -> list[str]:
    """The texts of some helpers, in the order in which they are here."""
    chosen = set(names)
    return [text for name, text in HELPERS.items() if name in chosen]
