"""Activations: modules of PyTorch, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.torch.site import Made, Site

_PLAIN = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "mish": "Mish",
    "selu": "SELU",
    "softsign": "Softsign",
    "logsigmoid": "LogSigmoid",
}


def _plain(module: str) -> Callable[[Site, Sequence[bool]], Made]:
    def make(site: Site, _: Sequence[bool]) -> Made:
        return Made(f"nn.{module}()", channels=site.channels)

    return make


def _with(module: str, **defaults: str) -> Callable[[Site, Sequence[bool]], Made]:
    """A module with fields of the same names, where they are not PyTorch's defaults."""

    def make(site: Site, _: Sequence[bool]) -> Made:
        given = [
            f"{name}={text}"
            for name, default in defaults.items()
            if (text := site.text(name)) != default
        ]
        return Made(f"nn.{module}({', '.join(given)})", channels=site.channels)

    return make


def _gelu(site: Site, _: Sequence[bool]) -> Made:
    word = site.one("approximate")
    given = "" if word == "none" else f'approximate="{word}"'
    return Made(f"nn.GELU({given})", channels=site.channels)


def _prelu(site: Site, _: Sequence[bool]) -> Made:
    count = site.channels if site.one("per_channel") else ""
    return Made(f"nn.PReLU({count})", channels=site.channels)


def _softmax(site: Site, _: Sequence[bool]) -> Made:
    return Made("nn.Softmax(dim=1)", channels=site.channels)


def _log_softmax(site: Site, _: Sequence[bool]) -> Made:
    return Made("nn.LogSoftmax(dim=1)", channels=site.channels)


def _glu(site: Site, _: Sequence[bool]) -> Made:
    return Made("nn.GLU(dim=1)", channels=f"{site.bracketed} // 2")


TABLE = {
    **{name: _plain(module) for name, module in _PLAIN.items()},
    "leaky_relu": _with("LeakyReLU", negative_slope="0.01"),
    "elu": _with("ELU", alpha="1.0"),
    "celu": _with("CELU", alpha="1.0"),
    "gelu": _gelu,
    "glu": _glu,
    "prelu": _prelu,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}
