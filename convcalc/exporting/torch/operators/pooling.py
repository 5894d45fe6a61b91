"""Poolings and reductions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.torch.operators.padding import padded, padding_of
from convcalc.exporting.torch.site import Made, Site


def _max(site: Site, _: Sequence[bool]) -> Made:
    padding = padding_of(site, 'float("-inf")')
    words = _stride(site)
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(dilation="dilation", ceil_mode="ceil_mode")
    module = f"nn.MaxPool{site.rank}d({', '.join([site.text('kernel_size'), *words])})"
    return Made(padded(padding, module), channels=site.channels, helpers=padding.helpers)


def _stride(site: Site) -> list[str]:
    """The stride, unless it is the window's size as PyTorch has it by default."""
    kernel, stride = site.text("kernel_size"), site.text("stride")
    if stride in ("None", kernel):
        return []
    return [f"stride={stride}"]


def _avg(site: Site, _: Sequence[bool]) -> Made:
    padding = padding_of(site)
    if padding.before:
        raise site.refused("pads its sides differently, which changes its means")
    words = _stride(site)
    words += [f"padding={padding.keyword}"] if padding.keyword else []
    words += site.keywords(ceil_mode="ceil_mode")
    if padding.keyword:
        words += site.keywords(count_include_pad="count_include_pad")
    module = f"nn.AvgPool{site.rank}d({', '.join([site.text('kernel_size'), *words])})"
    return Made(module, channels=site.channels)


def _adaptive(kind: str) -> Callable[[Site, Sequence[bool]], Made]:
    def make(site: Site, _: Sequence[bool]) -> Made:
        module = f"nn.Adaptive{kind}Pool{site.rank}d({site.text('output_size')})"
        return Made(module, channels=site.channels)

    return make


def _global(kind: str) -> Callable[[Site, Sequence[bool]], Made]:
    def make(site: Site, _: Sequence[bool]) -> Made:
        pool = f"nn.Adaptive{kind}Pool{site.rank}d(1)"
        if site.one("keepdim"):
            return Made(pool, channels=site.channels)
        return Made(f"nn.Sequential({pool}, nn.Flatten(1))", channels=site.channels)

    return make


def _reduce(site: Site, _: Sequence[bool]) -> Made:
    axis, mode, rank = site.one("axis"), site.one("mode"), site.rank
    keep = site.one("keepdim")
    names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}.get(rank, ())
    if axis == "channels":
        dims: tuple[int, ...] = (1,)
    elif axis == "positions":
        dims = tuple(range(2, 2 + rank))
    else:
        dims = (2 + names.index(axis),)
    function = {"sum": "sum", "mean": "mean", "max": "amax", "min": "amin"}.get(mode)
    if function is None:
        raise site.refused(f"with mode {mode} is not written")
    dim = str(dims[0]) if len(dims) == 1 else repr(dims)
    outputs = {layer.analysis.output.channels for layer in site.layers}
    channels = site.channels
    if axis == "channels":
        if not keep:
            raise site.refused("of the channels needs keepdim")
        channels = str(outputs.pop()) if len(outputs) == 1 else "1"
    more = ", keepdim=True" if keep else ""
    return Made(call=f"{{0}}.{function}(dim={dim}{more})", channels=channels)


def _unpool(site: Site, _: Sequence[bool]) -> Made:
    raise site.refused("needs the places of a pooling's maxima")


TABLE = {
    "max_pool": _max,
    "avg_pool": _avg,
    "adaptive_avg_pool": _adaptive("Avg"),
    "adaptive_max_pool": _adaptive("Max"),
    "global_avg_pool": _global("Avg"),
    "global_max_pool": _global("Max"),
    "reduce": _reduce,
}
