"""Finds operators by name, and the fields that each declares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from convcalc.diagnostics.suggestion import UnknownName
from convcalc.model.operators.contract import (
    Operator,
)
from convcalc.model.operators.fields import Field

OPS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "ops")


@cache
def families() -> Mapping[str, str]:
    """Operator names, each with its family, the folder of its module; imports no operator."""
    return {
        name: family
        for family in sorted(os.listdir(OPS))
        if "_" not in family and "." not in family
        for name, ending in map(os.path.splitext, sorted(os.listdir(os.path.join(OPS, family))))
        if ending == ".py" and name[0] != "_"
    }


@cache
def operator_names() -> list[str]:
    """The sorted names of all operators, from the files in ``convcalc/model/ops``."""
    return sorted(families())


@cache
def operator_class(name: str) -> type[Operator]:
    """The operator class of that name. Raises UnknownName if there is none."""
    if name not in families():
        from convcalc.model.operators.advice import meant_operator  # for errors alone

        raise UnknownName(f"unknown operator '{name}'", meant_operator(name, families()).advice)
    module = import_module(f"convcalc.model.ops.{families()[name]}.{name}")
    found: type[Operator] = getattr(module, camel_case(name))
    return found


def name_of(operator: Operator) -> str:
    """The name of an operator in network files, which is that of its module."""
    return type(operator).__module__.rpartition(".")[2]


def camel_case(name: str) -> str:
    """``max_pool`` to ``MaxPool``."""
    return "".join(part.capitalize() for part in name.split("_"))


def fields_of(operator: type[Operator]) -> Mapping[str, Field]:
    """The declared fields of an operator by name, in order."""
    return operator.declared_fields
