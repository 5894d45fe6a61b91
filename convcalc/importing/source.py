"""The networks of a model file: its graph mapped at the sizes that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import TooMuchWork
from convcalc.importing.foreign import Content, Graph, Model, Unreadable
from convcalc.importing.formats import FORMATS, HEAD, detect
from convcalc.importing.schemes import recipe_of, runs_code
from convcalc.language.expand.scopes import Witness
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.inputs import Inputs
from convcalc.language.limits import LIMITS, Limits, with_allowed
from convcalc.language.sources.files import Files
from convcalc.language.sources.gate import read, read_mapped
from convcalc.language.sources.target import Target, TargetError
from convcalc.model.graph.assembly import TooLarge

MOST_BYTES = 64 * 2**30  # of a file that is mapped: nearly all of it is weights
MOST_STRUCTURE = 64 * 2**20  # of one that is read

# What a damaged file makes of a reader is a problem of the file.
_DAMAGE = (ArithmeticError, IndexError, KeyError, TypeError, ValueError, RecursionError)

# What exporters call every graph.
_EXPORTERS_WORDS = ("", "main", "main_graph", "torch_jit", "torch-jit-export", "graph", "model")


def model_source(target: Target, limits: Limits) -> ModelSource | None:
    """The source of a target; None if it is not a model of another program. OSError as the gate."""
    if runs_code(target):
        return CodeSource(target, limits)
    head = _head(target)
    name = target.format or detect(head, target.file)
    if not name:
        refuse(target, head)
        return None
    return ModelSource(target, name, limits)


def model_beside(files: Files, path: str) -> ModelSource:
    """The source of a model file that a network file names, on the disk or at its revision."""
    from convcalc.language.sources.git import MODEL_BYTES, Revision

    if isinstance(files, Revision):
        target = Target(path, None, files.with_most(MODEL_BYTES).read(path))
    else:
        target = Target(path)
    found = model_source(target, LIMITS)
    if found is None:
        raise OSError(0, "it is not a model in a format that convcalc reads")
    return found


def refuse(target: Target, head: bytes) -> None:
    """Raises TargetError for a file in a format that is known and not read; OSError as the gate."""
    from convcalc.importing.formats.unread import found_in

    found = found_in(head, target.file, lambda: _whole(target))
    if found is not None:
        raise TargetError(f"{target.file} is {found.what}", found.advice)


def _whole(target: Target) -> Content:
    """The content of a target's file, as memory."""
    if target.text is not None:
        return target.text.encode("utf-8") if isinstance(target.text, str) else target.text
    return read_mapped(target.file, MOST_BYTES)


def _head(target: Target) -> bytes:
    """The first bytes of a target's file."""
    if target.text is not None:
        text = target.text
        return (text.encode("utf-8", "replace") if isinstance(text, str) else text)[:HEAD]
    return read(target.file, HEAD - 1)


def _as_damage(error: Exception) -> Unreadable:
    """The error that says so of a file."""
    return Unreadable(f"it is damaged ({type(error).__name__})")


class ModelSource:
    """The model of a target, read once; its networks are mapped from it, one after another."""

    def __init__(self, target: Target, name: str, limits: Limits) -> None:
        self._prepare(target, name, limits)
        self._open(self._content)

    def _prepare(self, target: Target, name: str, limits: Limits) -> None:
        self.target = target
        self.format = FORMATS[name]
        self.limits = with_allowed(limits)
        self.model: Model | None = None
        self.problems: tuple[Diagnostic, ...] = ()
        self.sources: Mapping[str, str] = {}  # the text that places point into, if it has lines

    def _open(self, content: Callable[[], Content]) -> None:
        """Read the model; what is wrong with it becomes a problem."""
        try:
            reader = import_module(self.format.module)
            found = content()
            if self.format.is_text:
                self.sources = {self.target.file: bytes(found).decode("utf-8", "replace")}
            self.model = reader.open_model(found, self.target.file)
        except Unreadable as error:
            self.problems = (self._damaged(error),)
        except _DAMAGE as error:
            self.problems = (self._damaged(_as_damage(error)),)

    def _content(self) -> Content:
        text = self.target.text
        if text is not None:
            return text.encode("utf-8") if isinstance(text, str) else text
        if self.format.is_large:
            return read_mapped(self.target.file, MOST_BYTES)
        content = read(self.target.file, MOST_STRUCTURE)
        if len(content) > MOST_STRUCTURE:
            raise OSError(0, f"it is too large: more than {MOST_STRUCTURE // 2**20} MiB")
        return content

    def _damaged(self, error: Unreadable) -> Diagnostic:
        place = Place(self.target.file, 1, 1, 0, error.element or "the whole file")
        message = f"no {self.format.title} model: {error.message}"
        return Diagnostic("damaged-model", message, place, error.help)

    def values(self, file: str, key: str = "") -> dict[str, Any]:
        """A model has no params."""
        raise TargetError(f"{self.target.file} is {self._kind}, without params")

    def network(
        self,
        variant: str | None = None,
        inputs: Inputs = None,
        params: Mapping[str, Any] | None = None,
        *,
        batch: int = 1,
        witness: Witness | None = None,
    ) -> NetworkFile:
        """The network at the sizes of ``inputs``; problems of the model are in it.

        Raises TargetError for a variant or an input that is not there, and for params.
        """
        if self.model is None:
            return self._file(self.problems)
        if params:
            message = f"{self.target.file} is {self._kind}, without params"
            raise TargetError(message, "set them where it is made, and export it again")
        name = variant or self.target.variant or self.model.base
        if name != self.model.base and name not in self.model.variants:
            names = [self.model.base, *self.model.variants]
            message = f"{self.target.file} has no variant '{name}'"
            raise TargetError(message, advise(name, names, "variants:"))
        return self._network(name, inputs, batch)

    def _network(self, name: str, inputs: Inputs, batch: int) -> NetworkFile:
        from convcalc.importing.mapper import map_graph

        assert self.model is not None
        file = self.target.file
        try:
            graph = self._graphs(name)
            network = map_graph(graph, file, self._sizes(graph, inputs), batch)
        except Unreadable as error:
            return self._file((self._damaged(error),))
        except TooLarge as error:
            return self._file(error.diagnostics)
        except TooMuchWork as error:
            error.place = error.place or Place(file, 1, 1)
            return self._file((error.diagnostic(file),))
        base = self.model.base
        found = {key: getattr(network, key) for key in type(network).record_fields}
        found |= {
            "name": (self.format.is_text and graph.name) or self._shown(name),
            "variant": None if name == base else name,
            "base": self._shown(base),
            "variants": self.model.variants,
            "origin": graph.description,
            "remark": graph.description,
            "description": "",
            "sources": self.sources,
        }
        return NetworkFile(**found)

    def _graphs(self, name: str) -> Graph:
        assert self.model is not None
        try:
            return self.model.graph("" if name == self.model.base else name)
        except _DAMAGE as error:
            raise _as_damage(error) from None

    def _sizes(self, graph: Graph, inputs: Inputs) -> Mapping[str, Any]:
        """The sizes of inputs by name; TargetError for one that is not there."""
        if inputs is None:
            return {}
        if not isinstance(inputs, Mapping):
            if len(graph.inputs) != 1:
                message = (
                    f"{self.target.file} has {len(graph.inputs)} inputs, but one size is given"
                )
                names = ", ".join(graph.inputs)
                raise TargetError(message, f"name it: --input NAME=3x224x224; inputs: {names}")
            inputs = {next(iter(graph.inputs)): inputs}
        for key, sizes in inputs.items():
            if key not in graph.inputs:
                message = f"{self.target.file} has no input '{key}'"
                raise TargetError(message, advise(key, list(graph.inputs), "inputs:"))
            wanted = len(graph.inputs[key].axes.replace("b", ""))
            if len(sizes) != wanted:
                message = (
                    f"the input '{key}' has {wanted} sizes without the batch, not {len(sizes)}"
                )
                raise TargetError(message, "channels come first, for instance 3x224x224")
        return inputs

    @property
    def _kind(self) -> str:
        """The format with its article."""
        title = self.format.title
        return f"{'an' if title[0] in 'AEIOU' else 'a'} {title} model"

    @cached_property
    def _stem(self) -> str:
        name = self.target.file.rpartition(":")[2]
        return Files(name, "", 0).stem(name)

    def _shown(self, name: str) -> str:
        """The name of a graph; that of the file where it is only a word of the exporter's."""
        return self._stem if name.lower() in _EXPORTERS_WORDS else name

    def _file(self, problems: tuple[Diagnostic, ...]) -> NetworkFile:
        """The network of a model that cannot be read."""
        return NetworkFile("", None, "", self.target.file, {}, {}, (), problems, 0, self.sources)


class CodeSource(ModelSource):
    """A model that a program builds, again for each of the sizes that are asked for."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self.recipe = recipe_of(target.file)
        self.built: dict[str, tuple[Model | None, tuple[Diagnostic, ...]]] = {}
        self._prepare(target, "pt2", limits)

    def network(
        self,
        variant: str | None = None,
        inputs: Inputs = None,
        params: Mapping[str, Any] | None = None,
        *,
        batch: int = 1,
        witness: Witness | None = None,
    ) -> NetworkFile:
        """The network at the sizes of ``inputs``, for which the model is built."""
        from convcalc.importing.building import exported

        key = repr(inputs)
        if key not in self.built:
            content = exported(self.recipe, inputs)
            self._open(lambda: content)
            self.built[key] = self.model, self.problems
        self.model, self.problems = self.built[key]
        return super().network(variant, None, params, batch=batch, witness=witness)
