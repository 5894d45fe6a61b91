"""Blocks that several of Ultralytics' modules have within."""

from __future__ import annotations

from collections.abc import Callable

from convcalc.importing.formats.ultralytics.layers import SILU, Flow, Kernel, Layers


class Blocks(Layers):
    """Writes blocks."""

    def bottleneck(
        self,
        name: str,
        x: Flow,
        c: int,
        shortcut: bool = True,
        g: int = 1,
        k: tuple[Kernel, Kernel] = (3, 3),
        e: float = 0.5,
        first: Callable[[str, Flow, int], Flow] | None = None,
    ) -> Flow:
        """Bottleneck: two convolutions, and the input added where widths allow."""
        with self.part(name, "Bottleneck" if first is None else "RepBottleneck"):
            inner = self.share(c, e)
            y = first("cv1", x, inner) if first else self.conv("cv1", x, inner, k[0])
            y = self.conv("cv2", y, c, k[1], g=g)
            return self.plus(x, y) if shortcut and x.c == c else y

    def chain(self, count: int, x: Flow, part: Callable[[str, Flow], Flow]) -> Flow:
        """Parts of ``m`` one after another."""
        for index in range(count):
            x = part(f"m.{index}", x)
        return x

    def c3(
        self, x: Flow, c: int, e: float, inner: Callable[[Flow, int], Flow], kind: str = ""
    ) -> Flow:
        """C3: a chain and a bypass side by side."""
        width = self.share(c, e)
        y = inner(self.conv("cv1", x, width), width)
        return self.conv("cv3", self.concat([y, self.conv("cv2", x, width)]), c)

    def c3k(self, name: str, x: Flow, c: int, n: int, shortcut: bool, g: int) -> Flow:
        """C3k: a C3 of two 3×3 convolutions per bottleneck."""

        def inner(y: Flow, width: int) -> Flow:
            return self.chain(
                n, y, lambda part, z: self.bottleneck(part, z, width, shortcut, g, e=1.0)
            )

        with self.writer.inside(name, "C3k"):
            return self.c3(x, c, 0.5, inner)

    def c2f(
        self, x: Flow, c: int, n: int, e: float, part: Callable[[str, Flow, int], Flow]
    ) -> Flow:
        """C2f: one half goes through n parts, and what each makes stays."""
        width = self.share(c, e)
        found = list(self.split(self.conv("cv1", x, 2 * width), [width, width]))
        for index in range(n):
            found.append(part(f"m.{index}", found[-1], width))
        return self.conv("cv2", self.concat(found), c)

    def cib(self, name: str, x: Flow, c: int, shortcut: bool, large: bool) -> Flow:
        """CIB: depthwise and pointwise convolutions by turns."""
        with self.writer.inside(name, "CIB"):
            y = self.conv("cv1.0", x, x.c, 3, g=x.c)
            y = self.conv("cv1.1", y, 2 * c)
            if large:
                with self.writer.inside("cv1.2", "RepVGGDW"):
                    wide = self.conv("conv", y, y.c, 7, p=3, g=y.c, act=False)
                    y = self.plus(wide, self.conv("conv1", y, y.c, 3, p=1, g=y.c, act=False))
                    y = self.activated(y, SILU)
            else:
                y = self.conv("cv1.2", y, y.c, 3, g=y.c)
            y = self.conv("cv1.4", self.conv("cv1.3", y, c), c, 3, g=c)
            return self.plus(x, y) if shortcut and x.c == c else y

    def ghost_bottleneck(self, name: str, x: Flow, c: int, k: int = 3, s: int = 1) -> Flow:
        """GhostBottleneck: two ghost convolutions, a depthwise one between where it strides."""
        with self.part(name, "GhostBottleneck"):
            y = self.ghost_conv("conv.0", x, self.halved(c))
            if s == 2:
                y = self.depthwise("conv.1", y, y.c, k, s, act=False)
            y = self.ghost_conv("conv.2", y, c, act=False)
            if s == 2:
                x = self.depthwise("shortcut.0", x, x.c, k, s, act=False)
                x = self.conv("shortcut.1", x, c, act=False)
            return self.plus(x, y)

    def rep_chain(self, n: int, x: Flow, width: int) -> Flow:
        """Bottlenecks whose first convolution is a RepConv."""
        return self.chain(
            n,
            x,
            lambda name, y: self.bottleneck(name, y, width, e=1.0, first=self.rep_conv),
        )
