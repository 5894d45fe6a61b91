"""Which layers one kernel computes, and which bytes it moves, against plain loops over layers."""

from __future__ import annotations

import random
from math import prod

import pytest

import convcalc
from convcalc.analysis.devices.fusion import Kernel, Rule, Runtime, kernels
from convcalc.analysis.devices.names import runtime_names
from convcalc.analysis.devices.shelf import runtime
from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import steps_of

HEAD = "convcalc: 1\nname: net\ninput: [8, 6, 6]\n"
FUSED = runtime("fused")


def network(body: str) -> Network:
    return convcalc.loads(HEAD + body)


def groups(net: Network, rules: Runtime = FUSED) -> list[list[str]]:
    """The kernels as lists of paths."""
    found = kernels(net, steps_of(net), rules)
    return [[net.layers[step.layer].path for step in kernel.steps] for kernel in found]


CONV = "- conv: {out: 8, k: 3, p: 1, bias: false}\n"


def test_a_convolution_takes_in_norm_activation_and_the_addition_behind_it() -> None:
    net = network(
        "layers:\n- residual:\n"
        "  - conv: {out: 8, k: 3, p: 1, bias: false}\n  - batch_norm\n  - relu\n"
        "  - conv: {out: 8, k: 3, p: 1, bias: false}\n  - batch_norm\n- relu\n- max_pool: {k: 2}\n"
    )
    assert groups(net) == [
        ["conv[0]", "batch_norm[0]", "relu[0]"],
        ["conv[1]", "batch_norm[1]", "add", "relu[1]"],
        ["max_pool"],
    ]
    assert groups(net, runtime("eager")) == [[layer.path] for layer in net.layers]


def test_an_addition_joins_the_kernel_that_begins_last() -> None:
    net = network(
        "layers:\n- residual: [{conv: {out: 8, k: 1}, id: a}]\n"
        "  shortcut: [{conv: {out: 8, k: 1}, id: b}]\n"
    )
    assert groups(net) == [["a"], ["shortcut.b", "add"]]


def test_what_two_layers_read_is_written_and_read() -> None:
    net = network(
        "layers:\n- {conv: {out: 8, k: 1}, id: a}\n- {relu: {}, id: r}\n"
        "- {conv: {out: 8, k: 1}, id: b}\n- {add: {}, from: [b, r]}\n"
    )
    assert groups(net) == [["a", "r"], ["b", "add"]]


def test_what_the_network_returns_is_written() -> None:
    body = "layers:\n- {conv: {out: 8, k: 1}, id: a}\n- {relu: {}, id: b}\noutputs: [a, b]\n"
    assert groups(network(body)) == [["a"], ["b"]]


def test_views_and_dropout_are_no_kernels_and_stand_in_no_kernel_s_way() -> None:
    net = network(
        "layers:\n- conv: {out: 8, k: 1}\n- dropout\n- flatten\n- relu\n- linear: {out: 3}\n"
    )
    assert groups(net) == [["conv", "relu"], ["linear"]]


def test_cmsis_nn_takes_in_clamps_alone_and_leaves_the_addition() -> None:
    net = network(
        "layers:\n- residual:\n  - conv: {out: 8, k: 1}\n  - batch_norm\n"
        "- relu6\n- conv: {out: 8, k: 1}\n- hardswish\n"
    )
    assert groups(net, runtime("cmsis-nn")) == [
        ["conv[0]", "batch_norm"],
        ["add", "relu6"],
        ["conv[1]"],
        ["hardswish"],
    ]


def test_the_matrix_of_attention_stays_within_one_kernel() -> None:
    net = convcalc.loads(
        "convcalc: 1\nname: n\ninput: [32, 4, 4]\nlayers:\n- attention: {heads: 4}\n"
    )
    found = kernels(net, steps_of(net), FUSED)
    leads = [kernel.lead.part for kernel in found]
    assert leads == ["qkv", "scores", "out"]
    (scores,) = (kernel for kernel in found if kernel.lead.part == "scores")
    assert [step.part for step in scores.steps] == ["scores", "softmax", "aggregate"]
    assert scores.elements(folds_norms=True) == 16 * (3 * 32 + 32)  # q, k, v and the result


# --- by plain loops ------------------------------------------------------------------------------

OPERATORS = ("conv", "batch_norm", "relu", "sigmoid", "max_pool", "dropout", "identity")
WORDS = {
    "conv": {"weights"},
    "batch_norm": {"norm"},
    "relu": {"activation"},
    "sigmoid": {"activation"},
    "add": {"join"},
    "max_pool": set(),
}


def random_body(draw: random.Random) -> str:
    """Layers of one size, each reading what came before; additions of earlier ones."""
    lines, ids = [], ["input"]
    for number in range(draw.randint(3, 12)):
        name = draw.choice((*OPERATORS, "add", "conv", "batch_norm", "relu"))
        fields = {"conv": "out: 8, k: 3, p: 1", "max_pool": "k: 3, s: 1, p: 1"}.get(name, "")
        if name == "conv" and draw.random() < 0.5:
            fields += ", bias: false"
        source = draw.choice(ids[-3:])
        if name == "add":
            first, second = draw.choice(ids), draw.choice(ids)
            if first == second:
                continue
            source = f"[{first}, {second}]"
        lines.append(f"- {{{name}: {{{fields}}}, id: n{number}, from: {source}}}")
        ids.append(f"n{number}")
    return "layers:\n" + "\n".join(lines) + "\n"


def expected(net: Network, rules: Runtime) -> list[tuple[list[int], int]]:
    """The kernels as indices of layers with the elements that they move."""
    count = len(net.inputs)

    def real(tensor: int) -> int:
        while tensor >= count and net.layers[tensor - count].name in ("dropout", "identity"):
            (tensor,) = net.layers[tensor - count].inputs
        return tensor

    work = [i for i, layer in enumerate(net.layers) if layer.name not in ("dropout", "identity")]
    reads = {i: {real(t) for t in net.layers[i].inputs} for i in work}
    returned = {real(t) for t in net.outputs.values()}
    kernel_of: dict[int, list[int]] = {}
    for i in work:
        choices = []
        for tensor in reads[i]:
            maker = tensor - count
            if maker < 0 or sum(tensor in each for each in reads.values()) > 1:
                continue
            if tensor in returned:
                continue
            kernel = kernel_of[maker]
            lead = net.layers[kernel[0]].name
            rule = next((r for r in rules.rules if r.lead & (WORDS[lead] | {lead})), None)
            name = net.layers[i].name
            if rule and rule.then & (WORDS[name] | {name}) and kernel[-1] == maker:
                choices.append(kernel)
        kernel = max(choices, key=lambda each: each[0], default=[])
        kernel.append(i)
        kernel_of[i] = kernel
    unique = {kernel[0]: kernel for kernel in kernel_of.values()}
    return [
        (unique[lead], _moved(net, unique[lead], reads, rules, count)) for lead in sorted(unique)
    ]


def _moved(
    net: Network, kernel: list[int], reads: dict[int, set[int]], rules: Runtime, count: int
) -> int:
    inside = {count + i for i in kernel}
    outside = {t for i in kernel for t in reads[i]} - inside
    stored = 0
    for place, i in enumerate(kernel):
        analysis = net.layers[i].analysis
        own = sum(map(prod, (*analysis.weights.values(), *analysis.buffers.values())))
        if rules.folds_norms and place and net.layers[i].name == "batch_norm":
            lead = net.layers[kernel[0]]
            folded = place == 1 and lead.name == "conv"
            has_bias = folded and "bias" in lead.analysis.weights
            own = 0 if has_bias else 8 if folded else 16
        stored += own
    return 8 * 6 * 6 * (len(outside) + 1) + stored


MIXED = Runtime(
    "mixed",
    "",
    "",
    "",
    (
        Rule(frozenset({"conv"}), frozenset({"relu", "join"})),
        Rule(frozenset({"max_pool", "join"}), frozenset({"activation", "norm"})),
    ),
)


@pytest.mark.parametrize("seed", range(200))
def test_random_graphs_fuse_and_move_as_plain_loops_say(seed: int) -> None:
    net = network(random_body(random.Random(seed)))
    for rules in (*map(runtime, runtime_names()), MIXED):
        found: list[Kernel] = kernels(net, steps_of(net), rules)
        assert [
            ([step.layer for step in kernel.steps], kernel.elements(folds_norms=rules.folds_norms))
            for kernel in found
        ] == expected(net, rules), rules.name


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121", "vit_b_16"])
def test_every_step_belongs_to_one_kernel_and_no_kernel_waits_for_itself(name: str) -> None:
    net = convcalc.load(name)
    found = steps_of(net)
    for rules in map(runtime, runtime_names()):
        runs = kernels(net, found, rules)
        inside = [step.makes for kernel in runs for step in kernel.steps]
        assert len(inside) == len(set(inside))
        views = [s for s in found.steps if s.operator.view or s.operator.idle or not s.reads]
        assert len(inside) + len(views) == len(found.steps)
        maker = {step.makes: k for k, kernel in enumerate(runs) for step in kernel.steps}
        looks = {step.makes: step.reads[0] for step in views if step.reads}
        waits: dict[int, set[int]] = {k: set() for k in range(len(runs))}
        for k, kernel in enumerate(runs):
            for value in (v for step in kernel.steps for v in step.reads):
                while value in looks:
                    value = looks[value]  # noqa: PLW2901 - what a view looks at
                if maker.get(value, k) != k:
                    waits[k].add(maker[value])
        done: set[int] = set()
        while len(done) < len(runs):
            ready = {k for k in waits if k not in done and waits[k] <= done}
            assert ready, f"{rules.name}: kernels wait for each other"
            done |= ready
