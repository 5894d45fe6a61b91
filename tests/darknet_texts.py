"""Networks of darknet as .cfg texts, written down from the papers' figures and tables."""

from __future__ import annotations

from collections.abc import Iterable

Lines = list[str]


def section(name: str, **options: object) -> str:
    """One section of a .cfg file."""
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items()), ""])


def head(size: int, channels: int = 3) -> str:
    """The head for a square image."""
    return section("net", batch=1, width=size, height=size, channels=channels)


def cbl(filters: int, size: int, stride: int = 1, activation: str = "leaky", **more: int) -> str:
    """A convolution with batch norm and an activation."""
    options = {"batch_normalize": 1, "filters": filters, "size": size, "stride": stride}
    return section("convolutional", **options, pad=1, activation=activation, **more)


def plain(filters: int, size: int = 1, activation: str = "linear") -> str:
    """A convolution with bias."""
    return section(
        "convolutional", filters=filters, size=size, stride=1, pad=1, activation=activation
    )


def pool(size: int = 2, stride: int = 2) -> str:
    """A max pooling."""
    return section("maxpool", size=size, stride=stride)


def route(*layers: int) -> str:
    """Other layers side by side."""
    return section("route", layers=",".join(map(str, layers)))


def shortcut(back: int, activation: str = "linear") -> str:
    """The sum with a layer before."""
    return section("shortcut", **{"from": back}, activation=activation)


YOLO = section("yolo", mask="0,1,2", classes=80, num=9)


def text(parts: Iterable[str]) -> str:
    """A whole file."""
    return "\n".join(parts)


def darknet53_stem() -> Lines:
    """The 52 convolutions of Darknet-53 (Redmon & Farhadi, arXiv 1804.02767, table 1)."""
    parts = [cbl(32, 3)]
    for filters, blocks in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        parts.append(cbl(filters, 3, 2))
        for _ in range(blocks):
            parts += [cbl(filters // 2, 1), cbl(filters, 3), shortcut(-3)]
    return parts


def classified(parts: Lines, size: int = 256) -> str:
    """Layers behind a head, and 1,000 classes."""
    return text([head(size), *parts, section("avgpool"), plain(1000), section("softmax", groups=1)])


def darknet53(size: int = 256) -> str:
    """Darknet-53."""
    return classified(darknet53_stem(), size)


def yolov3(size: int = 416, *, spp: bool = False) -> str:
    """YOLOv3, or with spatial pyramid pooling behind its backbone
    (Huang & Wang, arXiv 1903.08589)."""
    parts = darknet53_stem()
    coarse = [cbl(512, 1), cbl(1024, 3), cbl(512, 1)]
    if spp:
        coarse += [pool(5, 1), route(-2), pool(9, 1), route(-4), pool(13, 1), route(-1, -3, -5, -6)]
        coarse.append(cbl(512, 1))
        coarse += [cbl(1024, 3), cbl(512, 1), cbl(1024, 3), plain(255), YOLO]
    else:
        coarse += [cbl(1024, 3), cbl(512, 1), cbl(1024, 3), plain(255), YOLO]
    parts += coarse
    for filters, fine in ((256, 61), (128, 36)):
        parts += [route(-4), cbl(filters, 1), section("upsample", stride=2), route(-1, fine)]
        for _ in range(3):
            parts += [cbl(filters, 1), cbl(2 * filters, 3)]
        parts += [plain(255), YOLO]
    return text([head(size), *parts])


def yolov3_tiny(size: int = 416) -> str:
    """YOLOv3-tiny: seven convolutions with poolings, the last of stride 1, and two heads."""
    parts: Lines = []
    for filters in (16, 32, 64, 128, 256):
        parts += [cbl(filters, 3), pool()]
    parts += [cbl(512, 3), pool(2, 1), cbl(1024, 3), cbl(256, 1), cbl(512, 3), plain(255), YOLO]
    parts += [route(-4), cbl(128, 1), section("upsample", stride=2), route(-1, 8)]
    parts += [cbl(256, 3), plain(255), YOLO]
    return text([head(size), *parts])


def yolov2(size: int = 608) -> str:
    """YOLOv2 with 80 classes: Darknet-19, a reorganised passthrough, five anchors
    (Redmon & Farhadi, arXiv 1612.08242)."""
    parts = [cbl(32, 3), pool(), cbl(64, 3), pool()]
    for filters, count in ((128, 3), (256, 3), (512, 5), (1024, 5)):
        parts += [cbl(filters // (1 + k % 2), 3 - 2 * (k % 2)) for k in range(count)]
        if filters < 1024:
            parts.append(pool())
    parts += [cbl(1024, 3), cbl(1024, 3), route(-9), cbl(64, 1), section("reorg", stride=2)]
    parts += [route(-1, -4), cbl(1024, 3), plain(425), section("region", classes=80, num=5)]
    return text([head(size), *parts])


def resnet(blocks: tuple[int, ...], size: int = 256) -> str:
    """ResNet with bottlenecks as darknet has it: no projection, a shortcut of unequal widths and
    sizes instead, and leaky units."""
    parts = [cbl(64, 7, 2), pool()]
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for k in range(count):
            stride = 2 if stage and not k else 1
            parts += [cbl(width, 1), cbl(width, 3, stride), cbl(4 * width, 1, activation="linear")]
            parts.append(shortcut(-4, "leaky"))
    return classified(parts, size)
