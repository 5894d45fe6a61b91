"""Identifiers of written code: names of a file made safe, and each of them used once.

Names of a file are a stranger's. They are normalised as Python normalises identifiers, keywords and
names with a meaning of their own get an underscore, and whatever is not an identifier becomes one.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping

_BUILTINS = frozenset(
    (
        *("None", "True", "False", "self", "super", "abs", "bool", "ceil", "enumerate", "float"),
        *("floor", "input", "int", "len", "list", "max", "min", "print", "range", "round", "str"),
        *("sum", "tuple", "zip"),
    )
)


def identifier(text: str) -> str:
    """A Python identifier as near to a text as possible; none of Python's own, as ``__init__``."""
    text = unicodedata.normalize("NFKC", text).lstrip("_") or "_"
    if not text.isidentifier():
        text = re.sub(r"\W", "_", text)
        text = text if text.isidentifier() else f"_{text}"
    return f"{text}_" if keyword.iskeyword(text) or keyword.issoftkeyword(text) else text


def snake_case(text: str) -> str:
    """``ConvBn`` as ``conv_bn``."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", identifier(text))
    return identifier(text.lower())


def camel_case(text: str, about: str = "") -> str:
    """``conv_bn`` as ``ConvBn``; with the capitals that a sentence about it gives its words.

    ``resnet_v2`` about a ResNet is ``ResNetV2``, ``unet`` about a U-Net is ``UNet``.
    """
    parts = re.split(r"[\W_]+", unicodedata.normalize("NFKC", text))
    spelled = _spellings(about)
    return identifier("".join(_capitalised(part, spelled) for part in parts) or "Network")


def _spellings(about: str) -> dict[str, str]:
    """The words of a sentence by their small letters; of ``U-Net`` its parts as well."""
    found: dict[str, str] = {}
    for word in re.findall(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", about):
        for each in (word.replace("-", ""), *word.split("-")):
            if each != each.lower():
                found.setdefault(each.lower(), each)
    return found


_BEGINNING = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])|$")  # ends where letters or digits do


def _capitalised(part: str, spelled: Mapping[str, str]) -> str:
    """A part of a name, its longest beginning that is a known word as that is spelled."""
    small = part.lower()
    for end in sorted((at.start() for at in _BEGINNING.finditer(small)), reverse=True):
        if part == small and small[:end] in spelled:
            part = spelled[small[:end]] + part[end:]
            break
    return part[:1].upper() + part[1:]


class Namespace:
    """Hands out names, none of them twice; ``reserved`` are those that nothing may have.

    ``own`` are the names that were handed out.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.taken = {*_BUILTINS, *reserved}
        self.own: set[str] = set()

    def fresh(self, wanted: str) -> str:
        """The wanted name, or with an underscore or a number behind it if it is taken."""
        name = wanted
        if name in self.taken and name not in self.own and f"{name}_" not in self.taken:
            name = f"{name}_"
        count = 2
        while name in self.taken:
            name = f"{wanted}_{count}" if wanted[-1:].isdigit() else f"{wanted}{count}"
            count += 1
        self.taken.add(name)
        self.own.add(name)
        return name

    def is_own(self, name: str) -> bool:
        """Whether a name is taken because it was handed out."""
        return name in self.own

    def copy(self) -> Namespace:
        """Another namespace with the same names taken."""
        other = Namespace()
        other.taken, other.own = set(self.taken), set(self.own)
        return other
