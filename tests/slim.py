"""The layouts of TensorFlow's TF-Slim networks, as far as geometry goes: one channel everywhere,
without normalisation and activations; branches are added, since a concat reads the same positions.

Source: tensorflow/models, research/slim/nets. The ids are the names of the end points there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from string import ascii_lowercase
from typing import Any

Item = dict[str, Any]
Kernel = int | list[int]


def conv(k: Kernel, s: int = 1, p: str = "same") -> Item:
    return {"conv": {"out": 1, "k": k, "s": s, "p": p}}


def max_pool(k: int, s: int = 1, p: str = "same") -> Item:
    return {"max_pool": {"k": k, "s": s, "p": p}}


def avg_pool(k: int) -> Item:
    return {"avg_pool": {"k": k, "s": 1, "p": "same"}}


def joined(*branches: list[Item]) -> Item:
    return {"branches": list(branches), "join": "add"}


def named(**items: Item) -> list[Item]:
    """Items in a row under their names."""
    return [item | {"id": name} for name, item in items.items()]


def lettered(prefix: str, first: str, items: list[Item]) -> list[Item]:
    """Items in a row under a name that ends in a letter, which counts on from ``first``."""
    letters = ascii_lowercase[ascii_lowercase.index(first) :]
    return named(**{prefix + letter: item for letter, item in zip(letters, items, strict=False)})


# --- chains ----------------------------------------------------------------------------------


def alexnet_v2() -> list[Item]:
    return named(
        conv1=conv(11, 4, "valid"),
        pool1=max_pool(3, 2, "valid"),
        conv2=conv(5),
        pool2=max_pool(3, 2, "valid"),
        conv3=conv(3),
        conv4=conv(3),
        conv5=conv(3),
        pool5=max_pool(3, 2, "valid"),
    )


def vgg(*depths: int) -> list[Item]:
    layers: list[Item] = []
    for stage, depth in enumerate(depths, 1):
        layers += named(**{f"conv{stage}_{index + 1}": conv(3) for index in range(depth)})
        layers += named(**{f"pool{stage}": max_pool(2, 2, "valid")})
    return layers


def mobilenet_v1() -> list[Item]:
    layers = named(Conv2d_0=conv(3, 2))
    for index, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1), 1):
        depthwise = {"depthwise_conv": {"k": 3, "s": stride, "p": "same"}}
        layers += [depthwise, *named(**{f"Conv2d_{index}_pointwise": conv(1)})]
    return layers


# --- residual networks -----------------------------------------------------------------------


def conv2d_same(k: int, s: int) -> Item:
    """Half a kernel of explicit padding, whatever the size."""
    return conv(k, s, "half")


def bottleneck(stride: int) -> Item:
    """The shortcut's 1x1 projection, where the depth changes, is left out: its stride is 1."""
    shortcut = [max_pool(1, stride)] if stride > 1 else []
    return {"residual": [conv(1), conv2d_same(3, stride), conv(1)], "shortcut": shortcut}


def resnet(*depths: int) -> list[Item]:
    """Versions 1 and 2 have the same geometry. A block has its stride in its last unit."""
    layers = [conv2d_same(7, 2), max_pool(3, 2)]
    for index, (depth, stride) in enumerate(zip(depths, (2, 2, 2, 1), strict=True), 1):
        units = [bottleneck(1)] * (depth - 1) + [bottleneck(stride)]
        layers += named(**{f"block{index}": {"seq": units}})
    return layers


# --- inception -------------------------------------------------------------------------------


def mixed(*towers: list[Item], pool: Item | None = None) -> Item:
    """A 1x1 convolution, towers that begin with one, and a pooling before one."""
    begun = [[conv(1), *tower] for tower in towers]
    return joined([conv(1)], *begun, [pool or avg_pool(3), conv(1)])


def row_and_column(k: int) -> list[Item]:
    return [conv([1, k]), conv([k, 1])]


def stem(padding: str = "valid") -> list[Item]:
    """Of Inception v3 and Inception-ResNet v2."""
    return named(
        Conv2d_1a_3x3=conv(3, 2, padding),
        Conv2d_2a_3x3=conv(3, 1, padding),
        Conv2d_2b_3x3=conv(3),
        MaxPool_3a_3x3=max_pool(3, 2, padding),
        Conv2d_3b_1x1=conv(1, 1, padding),
        Conv2d_4a_3x3=conv(3, 1, padding),
        MaxPool_5a_3x3=max_pool(3, 2, padding),
    )


def mixed_5() -> Item:
    """Of Inception v3 and Inception-ResNet v2."""
    return mixed([conv(5)], [conv(3), conv(3)])


def mixed_6() -> Item:
    """Of Inception v3 and v4."""
    return mixed(row_and_column(7), [conv([7, 1]), conv([1, 7])] * 2)


def mixed_7(*before_the_fork: Item) -> Item:
    """Of Inception v3 and v4: two of the towers fork."""
    fork = joined([conv([1, 3])], [conv([3, 1])])
    return mixed([fork], [*before_the_fork, fork])


def mixed_6a(padding: str = "valid") -> Item:
    """Of Inception v3, v4 and Inception-ResNet v2."""
    return joined(
        [conv(3, 2, padding)],
        [conv(1), conv(3), conv(3, 2, padding)],
        [max_pool(3, 2, padding)],
    )


def mixed_7a() -> Item:
    """Of Inception v3 and v4."""
    return joined(
        [conv(1), conv(3, 2, "valid")],
        [conv(1), *row_and_column(7), conv(3, 2, "valid")],
        [max_pool(3, 2, "valid")],
    )


def inception_v2(first: str = "separable_conv") -> list[Item]:
    towers = [conv(3)], [conv(3), conv(3)]
    halved = joined([conv(1), conv(3, 2)], [conv(1), conv(3), conv(3, 2)], [max_pool(3, 2)])
    return [
        *named(
            Conv2d_1a_7x7={first: {"out": 1, "k": 7, "s": 2, "p": "same"}},
            MaxPool_2a_3x3=max_pool(3, 2),
            Conv2d_2b_1x1=conv(1),
            Conv2d_2c_3x3=conv(3),
            MaxPool_3a_3x3=max_pool(3, 2),
        ),
        *lettered("Mixed_3", "b", [mixed(*towers)] * 2),
        *lettered("Mixed_4", "a", [halved, *[mixed(*towers)] * 4]),
        *lettered("Mixed_5", "a", [halved, mixed(*towers), mixed(*towers, pool=max_pool(3))]),
    ]


def inception_v3() -> list[Item]:
    return [
        *stem(),
        *lettered("Mixed_5", "b", [mixed_5()] * 3),
        *lettered("Mixed_6", "a", [mixed_6a(), *[mixed_6()] * 4]),
        *lettered("Mixed_7", "a", [mixed_7a(), *[mixed_7(conv(3))] * 2]),
    ]


def inception_v4() -> list[Item]:
    halved = joined([max_pool(3, 2, "valid")], [conv(3, 2, "valid")])
    unpadded = conv(3, 1, "valid")
    return [
        *named(
            Conv2d_1a_3x3=conv(3, 2, "valid"),
            Conv2d_2a_3x3=unpadded,
            Conv2d_2b_3x3=conv(3),
            Mixed_3a=halved,
            Mixed_4a=joined([conv(1), unpadded], [conv(1), *row_and_column(7), unpadded]),
        ),
        *lettered("Mixed_5", "a", [halved, *[mixed([conv(3)], [conv(3), conv(3)])] * 4]),
        *lettered("Mixed_6", "a", [mixed_6a(), *[mixed_6()] * 7]),
        *lettered("Mixed_7", "a", [mixed_7a(), *[mixed_7(conv([3, 1]), conv([1, 3]))] * 3]),
    ]


def unit(*towers: list[Item]) -> Item:
    """Inception-ResNet's: a 1x1 convolution beside towers that begin with one, and a shortcut."""
    begun = [[conv(1), *tower] for tower in towers]
    return {"residual": [joined([conv(1)], *begun), conv(1)]}


def inception_resnet_v2(padding: str = "valid") -> list[Item]:
    return [
        *stem(padding),
        *named(Mixed_5b=mixed_5()),
        *[unit([conv(3)], [conv(3), conv(3)])] * 10,
        *named(
            Mixed_6a=mixed_6a(padding),
            PreAuxLogits={"seq": [unit(row_and_column(7))] * 20},
            Mixed_7a=joined(
                *[[conv(1), conv(3, 2, padding)]] * 2,
                [conv(1), conv(3), conv(3, 2, padding)],
                [max_pool(3, 2, padding)],
            ),
        ),
        *[unit(row_and_column(3))] * 10,
        *named(Conv2d_7b_1x1=conv(1)),
    ]


LAYOUTS: dict[str, Callable[[], list[Item]]] = {
    "alexnet_v2": alexnet_v2,
    "vgg_a": partial(vgg, 1, 1, 2, 2, 2),
    "vgg_16": partial(vgg, 2, 2, 3, 3, 3),
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v1_075": mobilenet_v1,
    "inception_v2": inception_v2,
    "inception_v2-no-separable-conv": partial(inception_v2, "conv"),
    "inception_v3": inception_v3,
    "inception_v4": inception_v4,
    "inception_resnet_v2": inception_resnet_v2,
    "inception_resnet_v2-same": partial(inception_resnet_v2, "same"),
    **{
        f"resnet_{version}_{layers}": partial(resnet, *depths)
        for version in ("v1", "v2")
        for layers, depths in {
            50: (3, 4, 6, 3),
            101: (3, 4, 23, 3),
            152: (3, 8, 36, 3),
            200: (3, 24, 36, 3),
        }.items()
    },
}
