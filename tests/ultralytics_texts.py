"""YOLO models as rows of modules, put together here from the structure of each version.

The shapes are published facts: a backbone of stages, a pyramid up and down, a head. Sizes of
scales are [depth, width, channels at most].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Scales = dict[str, list[float]]

SCALES_V5: Scales = {
    "n": [0.33, 0.25, 1024],
    "s": [0.33, 0.5, 1024],
    "m": [0.67, 0.75, 1024],
    "l": [1.0, 1.0, 1024],
    "x": [1.33, 1.25, 1024],
}
SCALES_V8: Scales = {
    "n": [0.33, 0.25, 1024],
    "s": [0.33, 0.5, 1024],
    "m": [0.67, 0.75, 768],
    "l": [1.0, 1.0, 512],
    "x": [1.0, 1.25, 512],
}
SCALES_V8_CLASSES: Scales = {
    name: [depth, width, 1024] for name, (depth, width, _) in SCALES_V8.items()
}
SCALES_11: Scales = {
    "n": [0.5, 0.25, 1024],
    "s": [0.5, 0.5, 1024],
    "m": [0.5, 1.0, 512],
    "l": [1.0, 1.0, 512],
    "x": [1.0, 1.5, 512],
}
SCALES_V10: Scales = {**SCALES_V8, "b": [0.67, 1.0, 512]}


class Rows:
    """Rows in their order; :meth:`add` returns the number of a row."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def add(self, module: str, *args: Any, n: int = 1, reads: Any = -1) -> int:
        """A row: its module, its arguments, how often it is there and what it reads."""
        self.rows.append(f"  - [{_flow(reads)}, {n}, {module}, {_flow(list(args))}]")
        return len(self.rows) - 1

    def text(self, nc: int = 80, scales: Scales | None = None, **values: Any) -> str:
        """The file, its last row as the head."""
        lines = [f"nc: {nc}", *(f"{key}: {_flow(value)}" for key, value in values.items())]
        if scales:
            lines += ["scales:", *(f"  {key}: {_flow(value)}" for key, value in scales.items())]
        return "\n".join([*lines, "backbone:", *self.rows[:-1], "head:", self.rows[-1], ""])


def _flow(value: Any) -> str:
    """A value as YAML writes it in one line."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return str(value)


def up(rows: Rows, fine: int) -> None:
    """Twice the size, beside a finer map."""
    rows.add("nn.Upsample", None, 2, "nearest")
    rows.add("Concat", 1, reads=[-1, fine])


def head(rows: Rows, module: str, maps: Sequence[int], *args: Any) -> None:
    """The head of some maps."""
    rows.add(module, "nc", *args, reads=list(maps))


HEADS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "": ("Detect", (), {}),
    "-seg": ("Segment", (32, 256), {}),
    "-pose": ("Pose", ("kpt_shape",), {"kpt_shape": [17, 3]}),
    "-obb": ("OBB", (1,), {}),
}


def yolov3() -> str:
    """YOLOv3u: Darknet-53 of bottlenecks, three maps, and the later head."""
    rows = Rows()
    rows.add("Conv", 32, 3, 1)
    stages = []
    for c, n in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        rows.add("Conv", c, 3, 2)
        stages.append(rows.add("Bottleneck", c, n=n))
    rows.add("Bottleneck", 1024, False)
    rows.add("Conv", 512, 1, 1)
    rows.add("Conv", 1024, 3, 1)
    rows.add("Conv", 512, 1, 1)
    maps = [rows.add("Conv", 1024, 3, 1)]
    rows.add("Conv", 256, 1, 1, reads=-2)
    up(rows, stages[3])
    rows.add("Bottleneck", 512, False)
    rows.add("Bottleneck", 512, False)
    rows.add("Conv", 256, 1, 1)
    maps.append(rows.add("Conv", 512, 3, 1))
    rows.add("Conv", 128, 1, 1, reads=-2)
    up(rows, stages[2])
    rows.add("Bottleneck", 256, False)
    maps.append(rows.add("Bottleneck", 256, False, n=2))
    head(rows, "Detect", maps[::-1])
    return rows.text(depth_multiple=1.0, width_multiple=1.0)


def yolov5() -> str:
    """YOLOv5u: C3 stages (the rows of its release 6.0), and the later head."""
    rows, kept = Rows(), []
    rows.add("Conv", 64, 6, 2, 2)
    for c, n in ((128, 3), (256, 6), (512, 9), (1024, 3)):
        rows.add("Conv", c, 3, 2)
        kept.append(rows.add("C3", c, n=n))
    rows.add("SPPF", 1024, 5)
    before = []
    for c, fine in ((512, kept[2]), (256, kept[1])):
        before.append(rows.add("Conv", c, 1, 1))
        up(rows, fine)
        last = rows.add("C3", c, False, n=3)
    maps = [last]
    for c, out, beside in ((256, 512, before[1]), (512, 1024, before[0])):
        rows.add("Conv", c, 3, 2)
        rows.add("Concat", 1, reads=[-1, beside])
        maps.append(rows.add("C3", out, False, n=3))
    head(rows, "Detect", maps)
    return rows.text(scales=SCALES_V5)


def pyramid(
    rows: Rows,
    kept: Sequence[int],
    deep: int,
    blocks: Sequence[tuple[Any, ...]],
    down: str = "Conv",
) -> list[int]:
    """Up to the finest of three maps and down again; the maps of the head.

    ``blocks``: module, arguments and repeats on the way. ``down`` is what halves the coarser map.
    """

    def block(index: int) -> int:
        module, args, n = blocks[index]
        return rows.add(module, *args, n=n)

    up(rows, kept[2])
    middle = block(0)
    up(rows, kept[1])
    maps = [block(1)]
    for index, (name, beside) in enumerate((("Conv", middle), (down, deep))):
        rows.add(name, 256 * (index + 1), 3, 2)
        rows.add("Concat", 1, reads=[-1, beside])
        maps.append(block(2 + index))
    return maps


def yolov8(task: str = "") -> str:
    """YOLOv8: C2f stages."""
    rows, kept = Rows(), []
    rows.add("Conv", 64, 3, 2)
    for c, n in ((128, 3), (256, 6), (512, 6), (1024, 3)):
        rows.add("Conv", c, 3, 2)
        kept.append(rows.add("C2f", c, True, n=n))
    if task == "-cls":
        rows.add("Classify", "nc")
        return rows.text(1000, SCALES_V8_CLASSES)
    deep = rows.add("SPPF", 1024, 5)
    maps = pyramid(rows, kept, deep, [("C2f", (c,), 3) for c in (512, 256, 512, 1024)])
    module, args, values = HEADS[task]
    head(rows, module, maps, *args)
    return rows.text(1 if task == "-pose" else 80, SCALES_V8, **values)


class Sizes(NamedTuple):
    """A YOLOv9: widths of the stem, of stages and what they split, and of what halves a map."""

    stem: tuple[int, int]
    stages: Sequence[tuple[int, int]]
    downs: tuple[int, int, int]
    finest: tuple[int, int]  # of the pyramid
    downs_again: tuple[int, int]
    n: int = 1
    first: str = "RepNCSPELAN4"
    down: str = "AConv"


def yolov9_sizes(size: str) -> Sizes:
    """The widths of YOLOv9 t, s, m and c."""
    if size == "c":
        stages = ((256, 128), (512, 256), (512, 512), (512, 512))
        return Sizes((64, 128), stages, (256, 512, 512), (256, 256), (256, 512), down="ADown")
    if size == "m":
        widths = (128, 240, 360, 480)
        both = tuple(zip(widths, widths, strict=True))
        return Sizes((32, 64), both, widths[1:], both[1], (180, 240))
    c = {"t": 32, "s": 64}[size]
    both = tuple((k * c, k * c) for k in (1, 2, 3, 4))
    downs = (2 * c, 3 * c, 4 * c)
    return Sizes((c // 2, c), both, downs, both[1], (3 * c // 2, 2 * c), 3, "ELAN1")


def yolov9(size: str) -> str:
    """YOLOv9: gathered branches of RepCSP; e has a second backbone that the first feeds."""
    if size == "e":
        return yolov9e()
    sizes, rows = yolov9_sizes(size), Rows()

    def stage(c: int, wide: int, module: str = "RepNCSPELAN4") -> int:
        repeats = [sizes.n] if module == "RepNCSPELAN4" else []
        return rows.add(module, c, wide, wide // 2, *repeats)

    for c in sizes.stem:
        rows.add("Conv", c, 3, 2)
    kept = [stage(*sizes.stages[0], sizes.first)]
    for down, widths in zip(sizes.downs, sizes.stages[1:], strict=True):
        rows.add(sizes.down, down)
        kept.append(stage(*widths))
    last, wide = sizes.stages[3]
    deep = rows.add("SPPELAN", last, wide // 2)
    up(rows, kept[2])
    middle = stage(*sizes.stages[2])
    up(rows, kept[1])
    maps = [stage(*sizes.finest)]
    for down, beside, widths in zip(
        sizes.downs_again, (middle, deep), sizes.stages[2:], strict=True
    ):
        rows.add(sizes.down, down)
        rows.add("Concat", 1, reads=[-1, beside])
        maps.append(stage(*widths))
    head(rows, "Detect", maps)
    return rows.text()


def yolov9e() -> str:
    """YOLOv9e: a second backbone that is fed by the first."""
    rows = Rows()
    rows.add("nn.Identity")
    stages = ((256, 128, 64), (512, 256, 128), (1024, 512, 256), (1024, 512, 256))
    downs = (256, 512, 1024)
    first = [rows.add("Conv", 64, 3, 2)]
    rows.add("Conv", 128, 3, 2)
    first.append(rows.add("RepNCSPELAN4", *stages[0], 2))
    for down, widths in zip(downs, stages[1:], strict=True):
        rows.add("ADown", down)
        first.append(rows.add("RepNCSPELAN4", *widths, 2))
    parts = [64, 128, 256, 512, 1024]
    fed = [rows.add("CBLinear", parts[: index + 1], reads=at) for index, at in enumerate(first)]
    rows.add("Conv", 64, 3, 2, reads=0)
    kept = []
    for index, widths in enumerate((None, *stages)):
        rows.add("CBFuse", [index] * (5 - index), reads=[*fed[index:], -1])
        if widths:
            kept.append(rows.add("RepNCSPELAN4", *widths, 2))
        if index == 0:
            rows.add("Conv", 128, 3, 2)
        elif index < 4:
            rows.add("ADown", downs[index - 1])
    deep = rows.add("SPPELAN", 512, 256)
    up(rows, kept[2])
    middle = rows.add("RepNCSPELAN4", 512, 512, 256, 2)
    up(rows, kept[1])
    maps = [rows.add("RepNCSPELAN4", 256, 256, 128, 2)]
    for c, beside, inner in ((256, middle, (512, 256)), (512, deep, (1024, 512))):
        rows.add("ADown", c)
        rows.add("Concat", 1, reads=[-1, beside])
        maps.append(rows.add("RepNCSPELAN4", 512, *inner, 2))
    head(rows, "Detect", maps)
    return rows.text()


def yolov10(size: str) -> str:
    """YOLOv10: compact inverted blocks at more places the larger it is."""
    rows, kept = Rows(), []
    compact = {"n": "", "s": "5", "m": "5m", "b": "5um", "l": "5um", "x": "45um"}[size]
    large = (True,) if size in "ns" else ()

    def block(c: int, is_compact: bool, *args: Any) -> tuple[str, tuple[Any, ...], int]:
        return ("C2fCIB", (c, True, *large), 3) if is_compact else ("C2f", (c, *args), 3)

    rows.add("Conv", 64, 3, 2)
    for index, (c, n) in enumerate(((128, 3), (256, 6), (512, 6), (1024, 3)), 2):
        rows.add("Conv" if index < 4 else "SCDown", c, 3, 2)
        module, args, _ = block(c, str(index) in compact, True)
        kept.append(rows.add(module, *args, n=n))
    rows.add("SPPF", 1024, 5)
    deep = rows.add("PSA", 1024)
    blocks = [block(512, "u" in compact), block(256, False), block(512, "m" in compact)]
    maps = pyramid(rows, kept, deep, [*blocks, block(1024, True)], "SCDown")
    head(rows, "v10Detect", maps)
    return rows.text(scales={size: SCALES_V10[size]})


def yolo11(task: str = "") -> str:
    """YOLO11: C3k2 stages, attention on the coarsest map."""
    rows, kept = Rows(), []
    rows.add("Conv", 64, 3, 2)
    for c, out, args in (
        (128, 256, (False, 0.25)),
        (256, 512, (False, 0.25)),
        (512, 512, (True,)),
        (1024, 1024, (True,)),
    ):
        rows.add("Conv", c, 3, 2)
        kept.append(rows.add("C3k2", out, *args, n=2))
    if task == "-cls":
        rows.add("C2PSA", 1024, n=2)
        rows.add("Classify", "nc")
        return rows.text(1000, SCALES_11)
    rows.add("SPPF", 1024, 5)
    deep = rows.add("C2PSA", 1024, n=2)
    blocks = [("C3k2", (c, False), 2) for c in (512, 256, 512)]
    maps = pyramid(rows, kept, deep, [*blocks, ("C3k2", (1024, True), 2)])
    module, args, values = HEADS[task]
    head(rows, module, maps, *args)
    return rows.text(80, SCALES_11, **values)


def yolo12() -> str:
    """YOLO12: attention within areas on the two coarser maps."""
    rows, kept = Rows(), []
    rows.add("Conv", 64, 3, 2)
    for c, module, args, n in (
        (128, "C3k2", (256, False, 0.25), 2),
        (256, "C3k2", (512, False, 0.25), 2),
        (512, "A2C2f", (512, True, 4), 4),
        (1024, "A2C2f", (1024, True, 1), 4),
    ):
        rows.add("Conv", c, 3, 2)
        kept.append(rows.add(module, *args, n=n))
    blocks = [("A2C2f", (c, False, -1), 2) for c in (512, 256, 512)]
    maps = pyramid(rows, kept, kept[3], [*blocks, ("C3k2", (1024, True), 2)])
    head(rows, "Detect", maps)
    return rows.text(scales=SCALES_11)
