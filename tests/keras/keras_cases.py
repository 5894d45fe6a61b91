"""Small models that Keras builds, by name: a layer each, and ways to put models together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import Model, layers

Build = Callable[[], Model]


def one(layer: Any, *sizes: int | None, **inputs: Any) -> Model:
    """A model of one layer; ``sizes`` are those of its input."""
    x = keras.Input(sizes, name="x", **inputs)
    return Model(x, layer(x), name="one")


def merged(layer: Any, *shapes: tuple[int, ...]) -> Model:
    """A model of one layer that reads several inputs."""
    inputs = [keras.Input(shape, name=f"x{i}") for i, shape in enumerate(shapes)]
    return Model(inputs, layer(inputs), name="merged")


def convolutions() -> Iterator[tuple[str, Build]]:
    """Convolutions of all ranks and paddings, in both layouts."""
    image, line, volume = (9, 7, 6), (11, 6), (5, 6, 7, 4)
    for word in ("same", "valid"):
        yield f"conv2d_{word}", lambda w=word: one(layers.Conv2D(8, (3, 2), padding=w), *image)
        yield (
            f"conv2d_strided_{word}",
            lambda w=word: one(layers.Conv2D(8, 4, strides=(2, 3), padding=w), *image),
        )
        yield (
            f"conv2d_dilated_{word}",
            lambda w=word: one(layers.Conv2D(4, 3, dilation_rate=(2, 1), padding=w), *image),
        )
        yield f"conv1d_{word}", lambda w=word: one(layers.Conv1D(5, 3, padding=w), *line)
        yield (
            f"conv3d_{word}",
            lambda w=word: one(layers.Conv3D(5, (2, 3, 1), strides=2, padding=w), *volume),
        )
        yield (
            f"depthwise2d_{word}",
            lambda w=word: one(
                layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding=w), *image
            ),
        )
        yield (
            f"separable2d_{word}",
            lambda w=word: one(layers.SeparableConv2D(5, 3, depth_multiplier=3, padding=w), *image),
        )
        yield (
            f"transposed2d_{word}",
            lambda w=word: one(layers.Conv2DTranspose(5, (3, 4), strides=2, padding=w), *image),
        )
        yield (
            f"transposed2d_padded_{word}",
            lambda w=word: one(
                layers.Conv2DTranspose(5, 3, strides=2, padding=w, output_padding=1), *image
            ),
        )
        yield (
            f"transposed2d_small_{word}",
            lambda w=word: one(layers.Conv2DTranspose(5, 2, strides=3, padding=w), *image),
        )
    yield (
        "conv1d_causal",
        lambda: one(layers.Conv1D(5, 3, dilation_rate=2, padding="causal"), *line),
    )
    yield "conv2d_grouped", lambda: one(layers.Conv2D(6, 3, groups=3, use_bias=False), *image)
    yield "conv2d_per_channel", lambda: one(layers.Conv2D(12, 3, groups=6), *image)
    yield "conv2d_activated", lambda: one(layers.Conv2D(6, 3, activation="relu"), *image)
    yield "depthwise1d", lambda: one(layers.DepthwiseConv1D(3), *line)
    yield "separable1d", lambda: one(layers.SeparableConv1D(4, 3, use_bias=False), *line)
    yield "transposed1d", lambda: one(layers.Conv1DTranspose(4, 3, strides=2), *line)
    yield "transposed3d", lambda: one(layers.Conv3DTranspose(4, 2, strides=2), *volume)
    first = {"data_format": "channels_first"}
    yield "conv2d_first", lambda: one(layers.Conv2D(8, 3, strides=2, **first), 6, 9, 7)
    yield "pool_first", lambda: one(layers.MaxPooling2D(2, **first), 6, 9, 7)
    yield "global_first", lambda: one(layers.GlobalAveragePooling2D(**first), 6, 9, 7)
    yield "flatten_first", first_flattened
    yield "dense", lambda: one(layers.Dense(5), 7)
    yield "dense_at_positions", lambda: one(layers.Dense(5, use_bias=False), 4, 3, 7)


def first_flattened() -> Model:
    """Channels first, flattened for a matrix."""
    x = keras.Input((3, 4, 5))
    y = layers.Conv2D(4, 3, data_format="channels_first")(x)
    y = layers.BatchNormalization(axis=1)(y)
    return Model(x, layers.Dense(6)(layers.Flatten(data_format="channels_first")(y)))


def norms() -> Iterator[tuple[str, Build]]:
    """Norms with and without scale and shift."""
    image = (5, 6, 8)
    for scale in (True, False):
        for center in (True, False):
            name = f"{int(scale)}{int(center)}"
            flags = {"scale": scale, "center": center}
            yield f"batch_norm_{name}", lambda f=flags: one(layers.BatchNormalization(**f), *image)
            if scale or not center:
                yield (
                    f"layer_norm_{name}",
                    lambda f=flags: one(layers.LayerNormalization(**f), *image),
                )
            if scale == center:
                yield (
                    f"group_norm_{name}",
                    lambda f=flags: one(layers.GroupNormalization(4, **f), *image),
                )
    yield "batch_norm_flat", lambda: one(layers.BatchNormalization(), 7)
    yield "batch_norm_second", lambda: one(layers.BatchNormalization(axis=1), *image)
    yield "layer_norm_all", lambda: one(layers.LayerNormalization(axis=[1, 2, 3]), *image)
    yield "instance_norm", lambda: one(layers.GroupNormalization(-1), *image)
    yield "rms_norm", lambda: one(layers.RMSNormalization(), *image)
    yield "frozen", lambda: one(layers.BatchNormalization(trainable=False), *image)
    yield "frozen_conv", lambda: one(layers.Conv2D(3, 3, trainable=False), *image)
    numbers = {"mean": [1.0] * 8, "variance": [2.0] * 8}
    yield "normalised_by_numbers", lambda: one(layers.Normalization(**numbers), *image)


def activations() -> Iterator[tuple[str, Build]]:
    """Activations by name, and as layers."""
    names = (
        "relu relu6 sigmoid tanh silu hard_sigmoid hard_silu gelu elu selu celu softplus softsign "
        "mish exponential log_sigmoid leaky_relu softmax log_softmax linear"
    )
    for name in names.split():
        yield f"activation_{name}", lambda n=name: one(layers.Activation(n), 4, 5, 6)
    for name, layer in {
        "relu": layers.ReLU,
        "relu6": lambda: layers.ReLU(6.0),
        "relu_sloped": lambda: layers.ReLU(negative_slope=0.1),
        "relu_bounded": lambda: layers.ReLU(4.5),
        "leaky_relu": lambda: layers.LeakyReLU(0.2),
        "elu": lambda: layers.ELU(0.5),
        "prelu": lambda: layers.PReLU(shared_axes=[1, 2]),
        "softmax": layers.Softmax,
        "softmax_rows": lambda: layers.Softmax(axis=1),
    }.items():
        yield f"layer_{name}", lambda f=layer: one(f(), 4, 5, 6)
    yield (
        "nested_activation",
        lambda: one(layers.Conv2D(3, 1, activation=layers.LeakyReLU(0.3)), 4, 5, 6),
    )


def sizes() -> Iterator[tuple[str, Build]]:
    """Pooling, padding, and moves."""
    image = (9, 7, 6)
    for kind in ("Max", "Average"):
        pool = getattr(layers, f"{kind}Pooling2D")
        whole = getattr(layers, f"Global{kind}Pooling2D")
        for word in ("same", "valid"):
            yield (
                f"{kind.lower()}_pool_{word}",
                lambda p=pool, w=word: one(p(3, strides=2, padding=w), *image),
            )
        yield f"{kind.lower()}_pool_default", lambda p=pool: one(p(2), *image)
        yield f"global_{kind.lower()}", lambda p=whole: one(p(), *image)
        yield f"global_{kind.lower()}_kept", lambda p=whole: one(p(keepdims=True), *image)
    yield "max_pool1d", lambda: one(layers.MaxPooling1D(2, padding="same"), 9, 4)
    yield "average_pool3d", lambda: one(layers.AveragePooling3D(2), 4, 6, 8, 3)
    yield "global1d", lambda: one(layers.GlobalMaxPooling1D(), 9, 4)
    yield "zero_padding", lambda: one(layers.ZeroPadding2D(((1, 2), (0, 3))), *image)
    yield "zero_padding_pair", lambda: one(layers.ZeroPadding2D((1, 2)), *image)
    yield "zero_padding1d", lambda: one(layers.ZeroPadding1D((1, 2)), 9, 4)
    yield "cropping", lambda: one(layers.Cropping2D(((1, 2), (0, 3))), *image)
    yield "cropping1d", lambda: one(layers.Cropping1D(2), 9, 4)
    yield "up_sampling", lambda: one(layers.UpSampling2D((2, 3)), *image)
    yield (
        "up_sampling_linear",
        lambda: one(layers.UpSampling2D(2, interpolation="bilinear"), *image),
    )
    yield "up_sampling1d", lambda: one(layers.UpSampling1D(3), 5, 4)
    yield "resizing", lambda: one(layers.Resizing(5, 11), *image)
    yield "flatten", lambda: one(layers.Flatten(), *image)
    yield "reshape", lambda: one(layers.Reshape((7, 9, 6)), *image)
    yield "reshape_rest", lambda: one(layers.Reshape((-1, 6)), *image)
    yield "permute", lambda: one(layers.Permute((2, 1, 3)), *image)
    yield "dropout", lambda: one(layers.SpatialDropout2D(0.1), *image)
    yield "rescaling", lambda: one(layers.Rescaling(1 / 255, 0.5), *image)
    yield "rescaling_per_channel", lambda: one(layers.Rescaling([0.1] * 6), *image)


def joins() -> Iterator[tuple[str, Build]]:
    """Several tensors."""
    image = (5, 6, 8)
    for kind in ("Add", "Multiply", "Subtract", "Maximum", "Minimum", "Average"):
        yield kind.lower(), lambda k=kind: merged(getattr(layers, k)(), image, image)
    yield "add_three", lambda: merged(layers.Add(), image, image, image)
    yield "multiply_gate", lambda: merged(layers.Multiply(), image, (1, 1, 8))
    yield "concatenate", lambda: merged(layers.Concatenate(), image, (5, 6, 3))
    yield "concatenate_rows", lambda: merged(layers.Concatenate(axis=1), image, (2, 6, 8))


def composed() -> Iterator[tuple[str, Build]]:
    """Models in models, shared layers, operations on tensors."""
    yield "sequential", sequential
    yield "sequential_of_models", of_models
    yield "shared", shared
    yield "nested_twice", nested_twice
    yield "nested_frozen", nested_frozen
    yield "second_call_returned", second_call_returned
    yield "operations", operations
    yield "any_size", any_size
    yield "unused_call", unused_call


def sequential() -> Model:
    """A Sequential model with an input, flattened for a matrix."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ],
        name="sequential",
    )


def inner(name: str = "inner") -> Model:
    """A model to put into others."""
    x = keras.Input((8, 8, 4))
    y = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    return Model(x, layers.Add()([x, y]), name=name)


def of_models() -> Model:
    """A Sequential model of models, built by its input's sizes."""
    net = keras.Sequential([inner("a"), keras.Sequential([layers.Conv2D(3, 1)], name="b")])
    net.build((None, 8, 8, 4))
    return net


def shared() -> Model:
    """One convolution applied three times."""
    x = keras.Input((8, 8, 4))
    conv = layers.Conv2D(4, 3, padding="same", activation="relu")
    norm = layers.BatchNormalization()
    return Model(x, norm(conv(conv(norm(conv(x))))), name="shared")


def nested_twice() -> Model:
    """A model applied twice, and a Sequential one."""
    x = keras.Input((8, 8, 4))
    net, last = inner(), keras.Sequential([layers.Conv2D(4, 1), layers.ReLU()], name="last")
    first = net(x)
    return Model(x, [last(net(first)), last(first)], name="nested_twice")


def nested_frozen() -> Model:
    """A model that is not trained, in one that is."""
    x = keras.Input((8, 8, 4))
    net = inner()
    net.trainable = False
    return Model(x, layers.Conv2D(2, 1)(net(x)), name="nested_frozen")


def second_call_returned() -> Model:
    """A model applied twice, of which each call is returned or read."""
    x = keras.Input((8, 8, 4))
    net = inner()
    first, other = net(x), net(layers.Conv2D(4, 1)(x))
    return Model(x, [layers.Conv2D(2, 1)(other), first, other], name="second_call_returned")


def operations() -> Model:
    """Arithmetic of tensors and numbers."""
    x = keras.Input((8, 8, 4))
    y = layers.Conv2D(4, 3, padding="same")(x)
    y = x + y * 2.0
    y = layers.ReLU(6.0)(y + 3.0) * (1.0 / 6.0)
    return Model(x, keras.ops.maximum(y, x) / 2.0 - 1.0, name="operations")


def any_size() -> Model:
    """A model for images of any size."""
    x = keras.Input((None, None, 3))
    y = layers.Conv2D(4, 3, strides=2, padding="same")(x)
    return Model(x, layers.Dense(5)(layers.GlobalAveragePooling2D()(y)), name="any_size")


def unused_call() -> Model:
    """A layer that was also called outside of the model."""
    x = keras.Input((8, 8, 4))
    conv = layers.Conv2D(4, 3, padding="same")
    conv(keras.Input((9, 9, 4)))
    return Model(x, layers.Conv2D(2, 1)(conv(x)), name="unused_call")


CASES: dict[str, Build] = {
    name: build
    for group in (convolutions, norms, activations, sizes, joins, composed)
    for name, build in group()
}
SIZES = {"any_size": (32, 48, 3)}  # of the inputs that a model leaves open
