"""The heads of Ultralytics' models, up to where boxes are decoded.

At each level one branch gives the bins of four distances, whose mean is taken by 16 numbers that
are not learned (DFL, arXiv 2006.04388), another the classes, further ones mask coefficients,
keypoints or angles. v10 and later models have all branches twice; those that give one box per
object are decoded.

Source: Ultralytics, nn/modules/head.py and block.py (DFL, Proto).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.layers import Flow
from convcalc.importing.formats.ultralytics.rows import Row, Wrong
from convcalc.model.graph.network import METHOD

Outputs = dict[str, str]
Branch = Callable[[str, Flow], Flow]


class Heads:
    """Writes heads; ``bins`` of a distance and ``end_to_end`` are what the file says."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.bins = 16
        self.end_to_end = False

    def write(self, row: Row, read: Sequence[Flow], legacy: bool) -> Outputs:
        """A head; what it returns by names. ``legacy``: the class branch of v8 and before."""
        return HEADS[row.module](self, row, read, legacy)

    def detect(self, row: Row, read: Sequence[Flow], legacy: bool) -> Outputs:
        """Detect: [classes]."""
        return self.detected(row, read, legacy, {})

    def detected(
        self, row: Row, read: Sequence[Flow], legacy: bool, more: Mapping[str, int]
    ) -> Outputs:
        """The branches of every level; ``more`` are further outputs and their channels."""
        classes = row.integer(0, "the number of classes")
        first = read[0].c
        boxes = max(16, first // 4, 4 * self.bins)
        kinds = max(first, min(classes, 100))
        plain = lambda name, x: self.tower(name, x, kinds, classes)  # noqa: E731
        light = lambda name, x: self.light_tower(name, x, kinds, classes)  # noqa: E731
        branches: dict[str, tuple[str, Branch]] = {
            "boxes": ("cv2", lambda name, x: self.tower(name, x, boxes, 4 * self.bins)),
            "classes": ("cv3", plain if legacy and row.module != "v10Detect" else light),
        }
        for output, channels in more.items():
            width = max(first // 4, channels)
            branches[output] = ("cv4", self.narrow(width, channels))
        mean = self.modules.writer.weight(1, self.bins, 1, 1) if self.bins > 1 else ""
        if not self.end_to_end and row.module != "v10Detect":
            return self.levels(read, branches, "", "", mean)
        many = self.levels(read, branches, "", "one2many.", "")  # for training: no box is decoded
        return self.levels(read, branches, "one2one_", "", mean) | many

    def narrow(self, width: int, channels: int) -> Branch:
        """A branch of a width of its own."""
        return lambda name, x: self.tower(name, x, width, channels)

    def levels(
        self,
        read: Sequence[Flow],
        branches: Mapping[str, tuple[str, Branch]],
        part: str,
        output: str,
        mean: str,
    ) -> Outputs:
        """All branches of all levels; the boxes as bins if there is nothing to take means with."""
        found: Outputs = {}
        for level, x in enumerate(read):
            for name, (attribute, branch) in branches.items():
                y = branch(f"{part}{attribute}.{level}", x)
                if name == "boxes" and mean:
                    y = self.expected(f"dfl.{level}", y, mean)
                found[f"{output}{name}[{level}]"] = y.name
        return found

    def expected(self, name: str, x: Flow, mean: str) -> Flow:
        """DFL: the mean of each of the four distributions."""
        modules, writer = self.modules, self.modules.writer
        parts = []
        with writer.inside(name, "DFL"):
            for side in modules.split(x, [self.bins] * 4):
                chances = writer.add("Softmax", side.name, axis=1, form=METHOD)
                with writer.inside("conv", "Conv2d"):
                    made = writer.add("Conv", chances, mean, "")
                writer.nodes[-1] = writer.nodes[-1]._replace(trainable=False)
                parts.append(Flow(made, 1, x.stride))
            return modules.concat(parts)

    def tower(self, name: str, x: Flow, width: int, out: int) -> Flow:
        """Two 3×3 convolutions, and a plain one."""
        with self.modules.writer.inside(name, "Sequential"):
            y = self.modules.conv("0", x, width, 3)
            return self.modules.conv2d("2", self.modules.conv("1", y, width, 3), out)

    def light_tower(self, name: str, x: Flow, width: int, out: int) -> Flow:
        """Depthwise and pointwise convolutions, and a plain one."""
        modules = self.modules
        with modules.writer.inside(name, "Sequential"):
            y = modules.conv("0.1", modules.depthwise("0.0", x, x.c, 3), width)
            y = modules.conv("1.1", modules.depthwise("1.0", y, width, 3), width)
            return modules.conv2d("2", y, out)

    def segment(self, row: Row, read: Sequence[Flow], legacy: bool) -> Outputs:
        """Segment: [classes, masks, width of the prototypes]."""
        masks, width = row.integer(1, "the masks", 32), row.integer(2, "the prototypes", 256)
        outputs = self.detected(row, read, legacy, {"masks": masks})
        modules = self.modules
        with modules.writer.inside("proto", "Proto"):
            y = modules.conv("cv1", read[0], width, 3)
            y = modules.conv_transpose2d("upsample", y, width, 2, 2, 0)
            y = modules.conv("cv3", modules.conv("cv2", y, width, 3), masks)
        return {**outputs, "prototypes": y.name}

    def pose(self, row: Row, read: Sequence[Flow], legacy: bool) -> Outputs:
        """Pose: [classes, [keypoints, numbers of each]]."""
        sizes = row.at(1, "the shape of the keypoints").integers("the shape of the keypoints", 1)
        if len(sizes) != 2:
            message = "the shape of the keypoints is [number, numbers of each]"
            raise Wrong("wrong-type", message, row.args[1].place)
        return self.detected(row, read, legacy, {"keypoints": sizes[0] * sizes[1]})

    def oriented(self, row: Row, read: Sequence[Flow], legacy: bool) -> Outputs:
        """OBB: [classes, angles]."""
        return self.detected(row, read, legacy, {"angles": row.integer(1, "the angles", 1)})

    def classify(self, row: Row, read: Sequence[Flow], legacy: bool) -> Outputs:
        """Classify: [classes, k, s, p, g]; what it reads side by side, 1,280 channels, a mean."""
        modules, writer = self.modules, self.modules.writer
        classes = row.integer(0, "the number of classes")
        k, s = row.integer(1, "the kernel", 1), row.integer(2, "the stride", 1)
        p = row.args[3].integer("the padding") if row.has(3) else None
        y = modules.conv("conv", modules.concat(read), 1280, k, s, p, row.integer(4, "groups", 1))
        with writer.inside("pool", "AdaptiveAvgPool2d"):
            pooled = writer.add("AdaptiveAveragePool", y.name, output_size=[1, 1])
        flat = writer.add("Flatten", pooled, axis=1, form=METHOD)
        with writer.inside("linear", "Linear"):
            weight, bias = writer.weight(classes, 1280), writer.weight(classes)
            return {"classes": writer.add("Gemm", flat, weight, bias, transB=1)}


Head = Callable[[Heads, Row, Sequence[Flow], bool], Outputs]
HEADS: Mapping[str, Head] = {
    "Detect": Heads.detect,
    "v10Detect": Heads.detect,
    "Segment": Heads.segment,
    "Pose": Heads.pose,
    "OBB": Heads.oriented,
    "OBB26": Heads.oriented,
    "Classify": Heads.classify,
}
