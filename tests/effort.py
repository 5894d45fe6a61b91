"""How much work something takes, counted in calls: the same number on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """Stops what makes more than ``limit`` calls, of Python functions and of builtins."""
    before = sys.getprofile()
    count = 0

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1
            if count > limit:
                sys.setprofile(None)
                pytest.fail(f"more than {limit:,} calls")

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before)


def calls(function: Callable[[], Any]) -> int:
    """How many calls of Python functions and of builtins a function makes."""
    before = sys.getprofile()
    count = 0

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count
