"""Reads the networks that the command line names, and analyses them as its options say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.analyse import PARTS, analyse
from convcalc.analysis.report.report import Report
from convcalc.cli.console import Failure, choose
from convcalc.cli.naming import target_of
from convcalc.cli.options import default
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.diagnostics.work import current
from convcalc.importing.opening import open_source
from convcalc.language.expand.scopes import Witness
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network
from convcalc.model.operators.contract import KINDS
from convcalc.model.quantities.number_text import DTYPES

Shapes = Mapping[str, Sequence[int | None]] | Sequence[int | None] | None
FROM = "@"  # before the name of a file of values, among params


class Reading(NamedTuple):
    """The options for reading and analysing targets; one report per target, variant and input."""

    variants: Sequence[str] = ()
    inputs: Sequence[str] = ()
    batch: int = 1
    params: Sequence[str] = ()
    counted: str = ""
    dtype: str = ""
    support: bool = False
    convention: str = ""
    fuse_batch_norm: bool = False
    parts: Collection[str] = PARTS
    memory: str = ""
    device: str = ""
    runtime: str = ""
    witness: Witness | None = None

    def networks(self, targets: Sequence[str | Target]) -> list[Network]:
        """Reads targets; problems of their content are in the networks."""
        return list(self._networks(list(map(target_of, targets))))

    def reports(self, targets: Sequence[str | Target]) -> list[tuple[Network, Report]]:
        """Reads and analyses targets; problems of their content are in the networks."""
        options = self._options()
        networks = self.networks(targets)
        found: list[tuple[Network, Report]] = []
        for network in networks:
            with current().share() if len(networks) > 1 else current():
                found.append((network, analyse(network, **options)))
        return found

    def shared_reports(self, target: Target) -> Iterator[tuple[Network, Report]]:
        """Reads and analyses one of several targets, which share the work that is allowed."""
        options = self._options()
        with current().share():
            networks = self.networks([target])
        for network in networks:
            with current().share():
                yield network, analyse(network, **options)

    def report(self, network: Network) -> Report:
        """Analyses a network that is already read."""
        return analyse(network, **self._options())

    def _options(self) -> dict[str, Any]:
        """The arguments of ``analyse``."""
        counted = counted_kinds(self.counted or default("count") or "weights,dynamic")
        dtype = choose(self.dtype or default("dtype") or "float32", DTYPES, "--dtype")
        options: dict[str, Any] = {"counted": counted, "dtype": dtype, "support": self.support}
        options["convention"] = convention_name(self.convention or default("convention"))
        options["fuse_batch_norm"] = self.fuse_batch_norm
        options["parts"] = self.parts
        options["memory"] = memory_words(self.memory or default("memory"))
        if self.runtime and not self.device:
            raise Failure("--runtime needs --device", "add for instance --device a100")
        options["device"] = self.device
        options["runtime"] = self.runtime
        return options

    def _networks(self, targets: Sequence[Target]) -> Iterator[Network]:
        shapes = input_shapes(self.inputs) or [None]
        files = [word.removeprefix(FROM) for word in self.params if word.startswith(FROM)]
        settings = dict(assignment(word) for word in self.params if not word.startswith(FROM))
        for target in targets:
            with current().share() if len(targets) > 1 else current():
                found = list(self._networks_of(target, shapes, files, settings))
            yield from found

    def _networks_of(
        self,
        target: Target,
        shapes: Sequence[Shapes],
        files: Sequence[str],
        settings: Mapping[str, str],
    ) -> Iterator[Network]:
        source = open_source(target)
        params: dict[str, Any] = {}
        for file in files:
            params |= source.values(*_named_part(file))
        params |= settings
        for variant in (*self.variants,) or (target.variant,):
            if target.variant and variant != target.variant:
                message = f"--variant {variant}, but the target is variant {target.variant}"
                raise Failure(message, "name the variant once")
            for shape in shapes:
                yield source.network(variant, shape, params, batch=self.batch, witness=self.witness)


def params_of(settings: Sequence[str], files: Sequence[str]) -> list[str]:
    """The params of a command: values by name, and files of values."""
    for word in settings:
        if word.startswith(FROM):
            raise Failure(f"--set {word} has no name", "write NAME=VALUE, or --set-from FILE")
    return [*(f"{FROM}{file}" for file in files), *settings]


def _named_part(word: str) -> tuple[str, str]:
    """The file and the key of ``FILE::KEY``; no key for the whole file."""
    file, _, key = word.partition("::")
    return file, key


# --- values ------------------------------------------------------------------------------------


def input_shapes(words: Sequence[str]) -> list[Shapes]:
    """The inputs to report; named shapes form one entry until a name repeats."""
    found: list[Shapes] = []
    named: dict[str, Sequence[int | None]] = {}
    for word in words:
        name, equals, sizes = word.rpartition("=")
        if not equals:
            found.append(shape_of(sizes))
            continue
        if not named or name in named:
            named = {}
            found.append(named)
        named[name] = shape_of(sizes)
    return found


def shape_of(text: str) -> list[int | None]:
    """``3x512x512`` as numbers; ``×`` and commas separate too, ``?`` and ``null`` are unknown."""
    words = text.strip("[]").lower().replace("×", "x").replace(",", "x").split("x")
    sizes = [None if word.strip() in ("?", "null") else _size(word.strip(), text) for word in words]
    if len(sizes) > 4:
        message = f"--input '{text}' has {len(sizes)} sizes, but at most 4 are possible"
        raise Failure(message, "channels and up to 3 spatial sizes; the batch is --batch")
    return sizes


def _size(word: str, text: str) -> int:
    if word.isdecimal() and word.isascii() and 0 < len(word) < 16 and int(word) > 0:
        return int(word)
    message = f"--input '{text}': '{word}' is not a size"
    raise Failure(message, "write channels and sizes, for instance 3x512x512, and ? for unknown")


def assignment(text: str) -> tuple[str, str]:
    """Splits ``name=value`` of --set; the value is later read as in a network file."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise Failure(f"--set '{text}' has no '='", "write NAME=VALUE, for instance width=0.5")
    return name.strip(), value.strip()


def convention_name(word: str) -> str:
    """The name of --convention; ``convcalc`` and nothing mean convcalc's own numbers alone."""
    if word in ("", "convcalc"):
        return ""
    from convcalc.analysis.conventions import convention_names

    return choose(word, convention_names(), "--convention")


def memory_words(text: str) -> tuple[str, ...]:
    """The words of --memory such as ``training,adam``; Failure where they make no sense."""
    words = tuple(filter(None, (word.strip() for word in text.split(","))))
    if not words:
        return ()
    from convcalc.model.quantities.assumptions import assumptions

    try:
        assumptions(words)
    except UnknownName as error:
        raise Failure(f"--memory: {error.message}", error.help) from None
    return words


def counted_kinds(text: str) -> tuple[str, ...]:
    """The kinds of work in a --count such as ``weights,dynamic``; Failure for an unknown one."""
    words = [word.strip() for word in text.split(",")]
    return tuple(choose(word, KINDS, "--count") for word in words if word)
