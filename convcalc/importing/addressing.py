"""Finds what a word on the command line names: a file, a built-in network, a model, a revision.

A file that exists comes first, whatever it is called. Then schemes, which say the format of a file
(``onnx:FILE``) or the package that has a model (``torch:``, ``timm:``, ``torchvision:``); then
``REV:path`` of a git revision; then the built-in networks.
"""

from __future__ import annotations

from convcalc.language.sources.resolve import is_file, is_revision, names_in, resolve
from convcalc.language.sources.target import Target, TargetError

CODE = ("torch", "timm", "torchvision")  # those of models that a program has to build
FILES = (  # schemes of files, by the names of their formats
    "onnx",
    "pt2",
    "keras",
    "darknet",
    "ultralytics",
    "openvino",
    "tflite",
    "safetensors",
)


def refuse_folder(text: str) -> None:
    """Raises TargetError for a folder that is a model of another program."""
    names = names_in(text)
    if names:
        from convcalc.importing.formats.unread import folder_of

        found = folder_of(set(names))
        if found is not None:
            raise TargetError(f"{text} is {found.what}", found.advice)


def target_at(text: str) -> Target:
    """The target that a word names; raises TargetError if there is none."""
    if ":" not in text or is_file(text):
        try:
            return resolve(text)
        except TargetError:
            refuse_folder(text)
            raise
    scheme, _, rest = text.partition(":")
    if scheme in FILES and rest and not rest.startswith(":"):
        if not is_file(rest) and not is_revision(rest):
            raise TargetError(f"no such file: {rest}")
        return target_at(rest)._replace(format=scheme)
    if scheme in CODE and rest:
        return Target(text, None, None, format=scheme)
    if is_revision(text):
        from convcalc.language.sources.git import resolve as resolve_revision

        return resolve_revision(text)
    return resolve(text)
