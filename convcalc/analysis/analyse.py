"""A network -> a report: parameters, work, memory and receptive fields, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import repeat
from math import prod

from convcalc.analysis.memory import Usage, usage
from convcalc.analysis.report.outputs import output_reports
from convcalc.analysis.report.report import (
    EXACT,
    LayerCore,
    LayerReport,
    Memory,
    OutputReport,
    ReceptiveField,
    Report,
    ToolConvention,
    ToolNumber,
    Totals,
    lower_bounds,
    sum_by_key,
    work_totals,
)
from convcalc.analysis.report.units import byte_count, flop_count
from convcalc.analysis.training import training_flops
from convcalc.diagnostics.suggestion import UnknownName, advise
from convcalc.diagnostics.work import current, limited
from convcalc.model.graph.network import Layer, Network
from convcalc.model.graph.steps import Steps, steps_of
from convcalc.model.operators.contract import DYNAMIC, KINDS, WEIGHTS, Analysis
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.counts import COUNTS, sum_counts
from convcalc.model.quantities.number_text import DTYPES
from convcalc.model.quantities.unknown import UNKNOWN, known

COUNTED = (WEIGHTS, DYNAMIC)

# What takes time beside shapes and counts, and is left out where nobody asks.
FIELDS, TRAINING, MEMORY = "receptive_fields", "training", "memory"
SUMS = (TRAINING, MEMORY)
PARTS = (FIELDS, *SUMS)


@limited
def analyse(
    network: Network,
    *,
    counted: Sequence[str] = COUNTED,
    dtype: str = "float32",
    support: bool = False,
    convention: str = "",
    fuse_batch_norm: bool = False,
    parts: Collection[str] = PARTS,
    memory: Sequence[str] = (),
    device: str = "",
    runtime: str = "",
) -> Report:
    """Analyse a network and return its report.

    ``counted`` are the kinds of work that make up the MACs (FLOPs are 2 × MACs), of ``weights``,
    ``dynamic``, ``sampling`` and ``elementwise``; ``dtype`` is the type of weights and activations
    for memory; UnknownName for another word. With ``support``, receptive fields also say how many
    positions within them are not read. ``convention`` names another tool whose counts are added;
    UnknownName if there is no such convention. ``fuse_batch_norm`` adds the counts that remain when
    batch norms are folded into the layers before them, and the memory is that of the folded
    network. ``memory`` are the assumptions under which memory is counted, such as ``("training",
    "adam")``, words of ``convcalc.model.quantities.assumptions.OPTIONS``. ``parts`` are those of
    ``receptive_fields``, ``training`` and ``memory`` that are wanted: without them there are no
    receptive fields, and FLOPs of training and the activations in memory are UNKNOWN. ``device``
    adds the least that a device must spend, by its name or file, when kernels fuse as ``runtime``
    says, by default that of the device (see :mod:`convcalc.analysis.devices`). The report of a
    network with problems covers the layers that could be computed. Raises TooMuchWork for a
    network that is too large.
    """
    _require_known(counted, dtype)
    current().spend(40 * len(network.layers), "reports of layers")
    seen_by = _receptive_fields(network, support) if FIELDS in parts else repeat({})
    steps = steps_of(network) if TRAINING in parts or MEMORY in parts else None
    training = training_flops(network, steps) if steps and TRAINING in parts else repeat(UNKNOWN)
    layers = tuple(
        _layer(network, layer, seen, counted, dtype, flops)
        for layer, seen, flops in zip(network.layers, seen_by, training, strict=False)
    )
    tool, layers = _add_convention(network, layers, convention) if convention else (None, layers)
    layers = _add_fused(network, layers, counted) if fuse_batch_norm else layers
    used = None
    if MEMORY in parts:
        used = usage(network, DTYPES[dtype], memory, fuse_batch_norm=fuse_batch_norm, steps=steps)
    outputs = {name: network.shape(number) for name, number in network.outputs.items()}
    per_output = output_reports(network, layers, support=support, fields=FIELDS in parts)
    first = next(iter(per_output.values()), OutputReport("", None))
    report = Report(
        network.name,
        network.variant,
        network.description,
        network.file,
        network.inputs,
        outputs,
        tuple(counted),
        _totals(
            layers,
            used,
            dtype,
            tuple(memory),
            is_partial=network.skipped > 0 and not network.recovered,
        ),
        first.receptive_field,
        first.first_global,
        layers,
        network.problems,
        network.skipped,
        tool,
        per_output,
        recovered=network.recovered,
    )
    return _add_bounds(network, report, device, runtime, steps) if device else report


def _require_known(counted: Sequence[str], dtype: str) -> None:
    """Raises UnknownName for a kind of work or a type of numbers that does not exist."""
    for word, known_words, what in (
        *((kind, KINDS, "kind of work") for kind in counted),
        (dtype, DTYPES, "dtype"),
    ):
        if word not in known_words:
            raise UnknownName(f"unknown {what} '{word}'", advise(word, known_words, "one of:"))


def _receptive_fields(network: Network, support: bool) -> Sequence[Mapping[str, ReceptiveField]]:
    """The receptive fields of all layers; what computes them is imported only here."""
    from convcalc.analysis.receptive_field.per_layer import receptive_fields

    return receptive_fields(network, support=support)


def _layer(
    network: Network,
    layer: Layer,
    seen: Mapping[str, ReceptiveField],
    counted: Sequence[str],
    dtype: str,
    training: int,
) -> LayerReport:
    """The report of one layer."""
    fields = {
        "path": layer.path,
        "groups": layer.groups,
        "receptive_fields": seen,
        "source": layer.place,
        "core": _core(layer, counted, dtype, training),
    }
    if layer.note:
        fields["note"] = layer.note
    if layer.shares >= 0:
        fields["shares"] = network.layers[layer.shares].path
        fields["own"] = layer.own
    return LayerReport.of(fields)


def _core(layer: Layer, counted: Sequence[str], dtype: str, training: int) -> LayerCore:
    """Return the core that equal layers share, made once."""
    analysis, operator = layer.analysis, layer.operator
    alike = (layer.shapes, layer.trainable, layer.shares < 0, layer.own)
    key = (*alike, *counted, dtype, training)
    made_of, core = analysis.numbers.get(key, (None, None))
    if made_of is not operator:
        core = LayerCore(
            layer.name,
            {name: getattr(operator, name) for name in fields_of(type(operator))},
            layer.shapes,
            analysis.output,
            analysis.weights,
            _counts(layer, counted, dtype, training),
            analysis.terms,
            operator.declared,
            analysis.facts or None,
        )
        analysis.numbers[key] = operator, core
    found: LayerCore = core
    return found


def _counts(layer: Layer, counted: Sequence[str], dtype: str, training: int) -> dict[str, int]:
    """The counts of a layer by key, as in ``COUNTS``; shared weights count on first use."""
    analysis = layer.analysis
    params, trainable = _parameters(layer)
    macs, sampling, elementwise = work_totals(analysis.terms, counted)
    return {
        "params": params,
        "trainable": trainable,
        "buffers": sum(prod(n) for name, n in analysis.buffers.items() if layer.is_own(name)),
        "macs": macs,
        "flops": flop_count(macs),
        "sampling": sampling,
        "elementwise": elementwise,
        "activations": analysis.activations,
        "moved": _bytes_moved(layer, analysis, dtype),
        "training": training,
    }


def _parameters(layer: Layer) -> tuple[int, int]:
    """The number of a layer's own parameters, and how many of them are trained."""
    weights, frozen = layer.analysis.weights, layer.analysis.frozen
    own = {name: prod(sizes) for name, sizes in weights.items() if layer.is_own(name)}
    params = sum(own.values())
    if not layer.trainable:
        return params, 0
    return params, params - sum(own[name] for name in frozen if name in own)


def _bytes_moved(layer: Layer, analysis: Analysis, dtype: str) -> int:
    """Bytes read and written if inputs, weights, buffers and output pass memory once."""
    if not layer.shapes:  # a learned tensor is moved by those that read it
        return 0
    tensors = sum(shape.numel for shape in layer.shapes) + analysis.output.numel
    stored = sum(map(prod, (*analysis.weights.values(), *analysis.buffers.values())))
    return byte_count(tensors + stored, dtype)


# --- beside convcalc's own numbers ---------------------------------------------------------------


def _add_bounds(
    network: Network, report: Report, device: str, runtime: str, steps: Steps | None
) -> Report:
    """The report with bounds on a device; what computes them is imported only here."""
    from convcalc.analysis.devices import shelf
    from convcalc.analysis.devices.bounds import with_bounds

    found = shelf.device(device)
    rules = shelf.runtime(runtime or found.runtime)
    return with_bounds(network, report, found, rules, steps or steps_of(network))


def _add_convention(
    network: Network, layers: Sequence[LayerReport], name: str
) -> tuple[ToolConvention, tuple[LayerReport, ...]]:
    """The other tool, and the layers with its counts added; its module is imported only here."""
    from convcalc.analysis.conventions import convention
    from convcalc.analysis.conventions.counting import layer_counts, total

    chosen = convention(name)
    counts = layer_counts(network, name)
    headline = chosen.counts[0].key
    missed = (each.title for found in counts for each in found[headline] if each.missed)
    tool = ToolConvention(
        name,
        chosen.tool,
        tuple(ToolNumber(count.key, count.title, count.unit) for count in chosen.counts),
        tuple(dict.fromkeys(missed)),
        chosen.per_sample,
    )
    return tool, tuple(
        layer.replace(convention={key: total(each) for key, each in found.items()})
        for layer, found in zip(layers, counts, strict=True)
    )


def _add_fused(
    network: Network, layers: Sequence[LayerReport], counted: Sequence[str]
) -> tuple[LayerReport, ...]:
    """The layers with the counts that remain when batch norms are folded."""
    from convcalc.model.graph.fusion import fused_analyses

    return tuple(
        layer.replace(fused=_fused_counts(layer, analysis, counted))
        for layer, analysis in zip(layers, fused_analyses(network), strict=True)
    )


def _fused_counts(
    layer: LayerReport, analysis: Analysis, counted: Sequence[str]
) -> Mapping[str, int]:
    macs, _, elementwise = work_totals(analysis.terms, counted)
    own = layer.own if layer.shares else (*analysis.weights, *analysis.buffers)
    return {
        "params": sum(prod(n) for name, n in analysis.weights.items() if name in own),
        "buffers": sum(prod(n) for name, n in analysis.buffers.items() if name in own),
        "macs": macs,
        "flops": flop_count(macs),
        "elementwise": elementwise,
    }


def memory_of(
    counts: Mapping[str, int],
    fused: Mapping[str, int],
    used: Usage | None,
    dtype: str,
    options: tuple[str, ...],
) -> Memory:
    """Bytes of what is stored, by counts of the network or those with norms folded if there are
    any, and of what is alive at once, which is UNKNOWN if it was not computed."""
    stored = byte_count(counts["params"] + counts["buffers"], dtype)
    if used is None:
        return Memory(dtype, stored, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, options)
    if not options and not fused:
        return Memory(dtype, stored, byte_count(used.peak.elements, dtype) + used.peak.index_bytes)
    from convcalc.model.quantities.assumptions import FOLDED, OPTIMIZERS, assumptions

    how = assumptions(options)
    folded = bool(fused) and not how.training
    numbers = fused if folded else counts
    trained = counts["trainable"] if how.training else 0
    elements, index_bytes = used.kept
    return Memory(
        dtype,
        byte_count(numbers["params"] + numbers["buffers"], dtype),
        byte_count(used.peak.elements, dtype) + used.peak.index_bytes,
        byte_count(elements, dtype) + index_bytes,
        byte_count(trained, dtype),
        byte_count(OPTIMIZERS[how.optimizer] * trained, dtype),
        (*options, *[FOLDED][:folded]),
    )


def _totals(
    layers: Sequence[LayerReport],
    used: Usage | None,
    dtype: str,
    options: tuple[str, ...],
    *,
    is_partial: bool,
) -> Totals:
    """Sums over the layers; unknown where a part is unknown, partial where layers are missing."""
    counts = sum_counts([layer.counts for layer in layers])
    fused = sum_by_key(layer.fused for layer in layers)
    found = Totals(
        layers=len(layers),
        counts=counts,
        memory=memory_of(counts, fused, used, dtype, options),
        unknown=tuple(_unknown(layers)),
        convention=sum_by_key(layer.convention for layer in layers),
        fused=fused,
    )
    bounds = lower_bounds(found, layers, is_partial=is_partial)
    return found if bounds is EXACT else found.replace(at_least=bounds)


def _unknown(layers: Sequence[LayerReport]) -> list[str]:
    """Each unknown count of each layer, as ``path: key``, without counts derived from others."""
    keys = [key for key, count in COUNTS.items() if not count.derived and not count.part_of]
    cores = {id(layer.core): layer.core for layer in layers}
    missing = {
        name: [key for key in keys if not known(core.counts[key])] for name, core in cores.items()
    }
    if not any(missing.values()):
        return []
    return [f"{layer.path}: {key}" for layer in layers for key in missing[id(layer.core)]]
