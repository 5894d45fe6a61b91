"""Attention of YOLOv10, 11 and 12 (arXiv 2405.14458, 2502.12524), and the blocks around it."""

from __future__ import annotations

from convcalc.importing.formats.ultralytics.blocks import Blocks
from convcalc.importing.formats.ultralytics.layers import Flow
from convcalc.importing.formats.ultralytics.rows import Wrong
from convcalc.model.graph.network import METHOD


class Modules(Blocks):
    """Writes blocks that attend as well: all that modules need."""

    def attention(self, name: str, x: Flow, heads: int) -> Flow:
        """Attention of v10 and 11: keys of half the width of a head, a depthwise position term."""
        width = x.c // heads
        keys = int(width * 0.5)
        if keys < 1 or x.c % heads:
            message = f"{heads} heads of {x.c} channels"
            raise Wrong("does-not-divide", message, self.writer.place)
        with self.writer.inside(name, "Attention"):
            qkv = self.conv("qkv", x, x.c + 2 * keys * heads, act=False)
            add = self.writer.add
            flat = add("Reshape", qkv.name, shape=[0, heads, 2 * keys + width, -1], form=METHOD)
            q, k, v = self.writer.parts(
                "Split", [flat], 3, split=[keys, keys, width], axis=2, form=METHOD
            )
            y = self.attended(q, k, v, keys)
            return self.placed(x, self.imaged(y, x), self.imaged(v, x), 3)

    def attended(self, q: str, k: str, v: str, width: int) -> str:
        """v · softmax(qᵀ · k / √width)ᵀ, each (…, channels, positions)."""
        add = self.writer.add
        scaled = add("Mul", q, self.writer.numbers(width**-0.5), form=METHOD)
        turned = add("Transpose", scaled, perm=[0, 1, 3, 2], form=METHOD)
        scores = add("Softmax", add("MatMul", turned, k, form=METHOD), axis=-1, form=METHOD)
        return add(
            "MatMul", v, add("Transpose", scores, perm=[0, 1, 3, 2], form=METHOD), form=METHOD
        )

    def imaged(self, y: str, x: Flow) -> Flow:
        """A tensor in the shape of another."""
        shape = self.writer.add("Shape", x.name, form=METHOD)
        return x._replace(name=self.writer.add("Reshape", y, shape, form=METHOD))

    def placed(self, x: Flow, y: Flow, values: Flow, k: int) -> Flow:
        """Return what was attended to, with a depthwise position term of the values, projected."""
        position = self.conv("pe", values, x.c, k, g=x.c, act=False)
        return self.conv("proj", self.plus(y, position), x.c, act=False)

    def psa_block(self, name: str, x: Flow, heads: int) -> Flow:
        """PSABlock: attention and two pointwise convolutions, each with its input added."""
        with self.writer.inside(name, "PSABlock"):
            return self.fed(self.plus(x, self.attention("attn", x, heads)))

    def fed(self, x: Flow) -> Flow:
        """Two pointwise convolutions, twice as wide between, and the input."""
        y = self.conv("ffn.1", self.conv("ffn.0", x, 2 * x.c), x.c, act=False)
        return self.plus(x, y)

    def area_attention(self, name: str, x: Flow, heads: int, areas: int) -> Flow:
        """AAttn of 12: attention within bands of rows."""
        width = x.c // heads
        add = self.writer.add
        with self.writer.inside(name, "AAttn"):
            qkv = self.conv("qkv", x, 3 * x.c, act=False)
            flat = add("Reshape", qkv.name, shape=[0, 3 * x.c, -1], form=METHOD)
            turned = add("Transpose", flat, perm=[0, 2, 1], form=METHOD)
            if areas > 1:
                turned = add("Reshape", turned, shape=[areas, -1, 3 * x.c], form=METHOD)
            split = add("Reshape", turned, shape=[0, 0, heads, 3 * width], form=METHOD)
            moved = add("Transpose", split, perm=[0, 2, 3, 1], form=METHOD)
            q, k, v = self.writer.parts("Split", [moved], 3, split=[width] * 3, axis=2, form=METHOD)
            y = self.attended(q, k, v, width)
            found = []
            for each in (y, v):
                back = add("Transpose", each, perm=[0, 3, 1, 2], form=METHOD)
                if areas > 1:
                    back = add("Reshape", back, shape=[1, -1, x.c], form=METHOD)
                else:
                    back = add("Reshape", back, shape=[0, 0, x.c], form=METHOD)
                turned = add("Transpose", back, perm=[0, 2, 1], form=METHOD)
                found.append(self.imaged(turned, x))
            return self.placed(x, found[0], found[1], 7)

    def area_block(self, name: str, x: Flow, ratio: float, areas: int) -> Flow:
        """ABlock of 12."""
        with self.writer.inside(name, "ABlock"):
            x = self.plus(x, self.area_attention("attn", x, x.c // 32, areas))
            wide = self.conv("mlp.0", x, self.share(x.c, ratio))
            return self.plus(x, self.conv("mlp.1", wide, x.c, act=False))
