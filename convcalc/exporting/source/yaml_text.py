"""Writes mappings, lists and values of a network file as YAML, one item on a line where it fits.

Every name and text that comes from a model is written so that it can be nothing but that: words of
letters and digits stand as they are, all others in double quotes, with escapes for whatever does
not show what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.diagnostics.visible import visible
from convcalc.exporting.source.values import Expr

WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(?: [A-Za-z0-9_.,()]+)*")
_EXPRESSION = re.compile(r"[A-Za-z0-9_.+*/<>=!() -]+")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off"))
_MOST_INLINE = 4  # items of a list on one line


def document(entries: Sequence[tuple[str, Any]]) -> str:
    """The text of a mapping at the top of a file."""
    lines: list[str] = []
    for key, value in entries:
        lines += _entry(key, value, 0)
    return "\n".join(lines) + "\n"


def comment(text: str) -> str:
    """A line of comment; whatever the text holds, it does not end the line."""
    return f"# {visible(text)}"


def scalar(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Expr):
        text = value.text
        return text if _is_plain_expression(text) else quoted(text)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quoted(text)


def _is_plain_expression(text: str) -> bool:
    return bool(_EXPRESSION.fullmatch(text)) and text[0] not in "-*!>=<" and text == text.strip()


def quoted(text: str) -> str:
    """A text in double quotes, on one line."""
    inner = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def flow(value: Any) -> str:
    """A value in flow style."""
    if isinstance(value, Expr):
        return scalar(value)
    if isinstance(value, Mapping):
        pairs = (f"{scalar(key)}: {flow(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def _entry(key: str, value: Any, indent: int) -> list[str]:
    """The lines of one entry of a mapping."""
    pad = " " * indent
    name = scalar(key)
    if isinstance(value, list) and _are_items(value):
        if _is_short(value) and len(pad + name + flow_items(value)) + 2 <= WIDTH:
            return [f"{pad}{name}: {flow_items(value)}"]
        return [f"{pad}{name}:", *_items(value, indent + 2)]
    if isinstance(value, Mapping) and _is_deep(value):
        inner = [line for k, v in value.items() for line in _entry(k, v, indent + 2)]
        return [f"{pad}{name}:", *inner]
    return _values(f"{pad}{name}:", value, indent)


def _values(start: str, value: Any, indent: int) -> list[str]:
    """The lines of an entry whose value is neither items nor holds any."""
    line = f"{start} {flow(value)}"
    if len(line) <= WIDTH or isinstance(value, Expr):
        return [line]
    words = flow(value).split(" ")
    return _wrapped(f"{start} ", words, indent + 2) if all(words) else [line]


def _wrapped(start: str, words: Sequence[str], indent: int) -> list[str]:
    """Words on as many lines as they need; within quotes, YAML reads a new line as a blank."""
    lines = [start + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 1 <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * indent + word)
    return lines


def _is_deep(value: Mapping[str, Any]) -> bool:
    """Whether a mapping holds blocks or items, or is too long for one line."""
    return any(isinstance(v, list) and _are_items(v) for v in value.values()) or any(
        isinstance(v, Mapping) and _is_deep(v) for v in value.values()
    )


def _are_items(value: Sequence[Any]) -> bool:
    return any(isinstance(each, Mapping | list) for each in value)


def _items(items: Sequence[Any], indent: int) -> Iterator[str]:
    for item in items:
        yield from _item(item, indent)


def _item(item: Any, indent: int) -> Iterator[str]:
    """The lines of an item of a list of layers or branches."""
    pad = " " * indent
    if isinstance(item, list):  # a branch
        if not item or (_is_short(item) and len(pad + flow_items(item)) + 2 <= WIDTH):
            yield f"{pad}- {flow_items(item)}"
            return
        inner = list(_items(item, indent + 2))
        yield f"{pad}- {inner[0].lstrip()}"
        yield from inner[1:]
        return
    text = flow_item(item)
    if not _has_items(item) and len(pad + text) + 2 <= WIDTH:
        yield f"{pad}- {_bare(item) or text}"
        return
    lines = [line for key, value in item.items() for line in _entry_of(key, value, indent + 2)]
    yield f"{pad}- {lines[0].lstrip()}"
    yield from lines[1:]


def _entry_of(key: str, value: Any, indent: int) -> list[str]:
    if value is None:
        return [f"{' ' * indent}{scalar(key)}: {{}}"]
    return _entry(key, value, indent)


def _has_items(item: Mapping[str, Any]) -> bool:
    for key in ("residual", "branches", "seq", "shortcut", "layers"):
        value = item.get(key)
        if isinstance(value, Mapping) and key == "branches":
            return True
        if isinstance(value, list) and key != "shortcut" and (not _is_short(value) or key != "seq"):
            return True
        if isinstance(value, list) and not _is_short(value):
            return True
    return False


def _is_short(items: Sequence[Any]) -> bool:
    """Whether a list of items may stand on one line."""
    return len(items) <= _MOST_INLINE and not any(
        isinstance(each, list)
        or _has_items(each)
        or any(isinstance(each.get(k), list) for k in ("residual", "seq", "branches"))
        for each in items
    )


def flow_items(items: Sequence[Any]) -> str:
    """Items on one line."""
    return f"[{', '.join(map(flow_item, items))}]"


def flow_item(item: Any) -> str:
    """An item on one line."""
    if isinstance(item, list):
        return flow_items(item)
    if len(item) == 1:
        ((key, value),) = item.items()
        if value is None:
            return scalar(key)
    pairs = [f"{scalar(key)}: {_flow_value(value)}" for key, value in item.items()]
    return f"{{{', '.join(pairs)}}}"


def _flow_value(value: Any) -> str:
    if value is None:
        return "{}"
    if isinstance(value, list) and _are_items(value):
        return flow_items(value)
    return flow(value)


def _bare(item: Mapping[str, Any]) -> str:
    """An item of one key without braces around."""
    if len(item) != 1:
        return ""
    ((key, value),) = item.items()
    return "" if value is None else f"{scalar(key)}: {_flow_value(value)}"
