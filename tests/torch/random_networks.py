# ruff: noqa: ARG001  # one interface for all, of which not every function uses every argument
"""Random networks, said to convcalc as a file and to PyTorch as a model, and every count of both.

    python tests/torch/random_networks.py 20000 [FIRST SEED]

compares so many networks and prints the smallest file of the first that differs, if one does.
Shapes, parameters, weights' shapes, FLOPs forward and in training, and activations must be equal,
and every file must be accepted without an error. Inputs get no gradient.
"""

from __future__ import annotations

import random
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # pytest finds them by its settings
    HERE = Path(__file__).parent
    sys.path += [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

import torch
import yaml
from random_fields import Drawn, Maker, Sizes, axes, divisor, sides, window
from random_layers import JOINTS, MORE, SINGLE, joint
from random_models import POINTS, Fields, Model, Step, named_pieces, pieces
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

MOST = 3000  # numbers of a tensor
MOST_CHANNELS = 40


@dataclass(frozen=True)
class Plan:
    """A network: its inputs, layers, the batch, and what is computed in vain."""

    inputs: dict[str, Sizes]
    steps: tuple[Step, ...]
    batch: int = 1
    dead: str = ""

    @property
    def outputs(self) -> list[str]:
        """What no layer reads, in order, except what is computed in vain."""
        read = {name for step in self.steps for name in step.sources}
        ends = [step.name for step in self.steps if step.name not in read]
        return [name for name in ends if name != self.dead] or ends


# --- layers ------------------------------------------------------------------------------------


def conv(rng: random.Random, x: Sizes) -> Drawn:
    rank, out = len(x) - 1, rng.randint(1, 8)
    fields = {"out": out, **window(rng, rank)}
    if rng.random() < 0.4:
        fields["g"] = groups = divisor(rng, x[0])
        fields["out"] = groups * rng.randint(1, 3)
    fields["bias"] = rng.random() < 0.5
    fields["padding_mode"] = rng.choice(("zeros", "zeros", "reflect", "replicate", "circular"))
    if rng.random() < 0.2:
        fields["mask"] = rng.choice(("A", "B", "causal"))
        fields["k"] = axes(rng, rank, (1, 3, 3))
    return "conv", fields | weight_norm(rng)


def weight_norm(rng: random.Random) -> Fields:
    kinds = ("standard", "scaled", "weight", "spectral")
    return {"weight_norm": rng.choice(kinds)} if rng.random() < 0.15 else {}


def narrow(rng: random.Random, x: Sizes) -> Drawn:
    """A convolution that keeps the size, so that networks get deep and join."""
    rank, out = len(x) - 1, rng.choice((x[0], x[0], rng.randint(1, 8)))
    groups = divisor(rng, x[0], out) if rng.random() < 0.3 else 1
    return "conv", {"out": out, "k": axes(rng, rank, (1, 3)), "p": "same", "g": groups}


def depthwise(rng: random.Random, x: Sizes) -> Drawn:
    fields = {**window(rng, len(x) - 1), "depth_multiplier": rng.choice((1, 1, 2, 3))}
    fields["padding_mode"] = rng.choice(("zeros", "reflect", "replicate", "circular"))
    return "depthwise_conv", fields | {"bias": rng.random() < 0.5}


def pointwise(rng: random.Random, x: Sizes) -> Drawn:
    out, rank = rng.randint(1, 8), len(x) - 1
    fields = {"out": out, "g": divisor(rng, x[0], out), "bias": rng.random() < 0.5}
    return "pointwise_conv", fields | {"s": axes(rng, rank, (1, 1, 2))}


def stamp(rng: random.Random, x: Sizes) -> Drawn:
    rank, groups = len(x) - 1, divisor(rng, x[0])
    fields = {"out": groups * rng.randint(1, 3), "g": groups, "k": axes(rng, rank, (1, 2, 3, 4))}
    fields |= {"s": axes(rng, rank, (1, 2, 2, 3)), "d": axes(rng, rank, (1, 1, 2))}
    fields |= {"bias": rng.random() < 0.5, **weight_norm(rng)}
    if rng.random() < 0.25:
        return "conv_transpose", fields | {"p": rng.choice(("same", "valid"))}
    fields["p"] = sides(rng, rank, 1)
    most = [max(pair) - 1 for pair in zip(fields["s"], fields["d"], strict=True)]
    more = [rng.randint(0, n) for n in most]
    if rng.random() < 0.7:
        return "conv_transpose", fields | {"output_padding": more}
    ends = zip(x[1:], *(fields[key] for key in "ksdp"), more, strict=True)
    sizes = [(n - 1) * s + d * (k - 1) + 1 - sum(p) + m for n, k, s, d, p, m in ends]
    return "conv_transpose", fields | {"output_size": [max(1, n) for n in sizes]}


def pooling(rng: random.Random, x: Sizes) -> Drawn:
    rank = len(x) - 1
    k = axes(rng, rank, (1, 2, 3))
    fields: Fields = {"k": k, "s": axes(rng, rank, (1, 2, 3))}
    fields["p"] = [rng.randint(0, n // 2) for n in k]
    fields["ceil_mode"] = rng.random() < 0.5
    if rng.random() < 0.5:
        return "max_pool", fields | {"d": axes(rng, rank, (1, 1, 2))}
    return "avg_pool", fields | {"count_include_pad": rng.random() < 0.5}


def adaptive(rng: random.Random, x: Sizes) -> Drawn:
    sizes = [rng.choice((None, 1, 2, n, n + 1)) for n in x[1:]]
    return rng.choice(("adaptive_avg_pool", "adaptive_max_pool")), {"output_size": sizes}


def unpooling(rng: random.Random, x: Sizes) -> Drawn:
    k = axes(rng, len(x) - 1, (1, 2, 3))
    fields: Fields = {"k": k, "p": [rng.randint(0, n // 2) for n in k]}
    return "max_unpool", fields | {"s": axes(rng, len(x) - 1, (1, 2, 3))}


def whole(rng: random.Random, x: Sizes) -> Drawn:
    keepdim = rng.random() < 0.6
    return rng.choice(("global_avg_pool", "global_max_pool")), {"keepdim": keepdim}


def resizing(rng: random.Random, x: Sizes) -> Drawn:
    modes = ("nearest", "nearest_exact", "linear", "area", *["cubic"] * (len(x) == 3))
    fields: Fields = {"mode": rng.choice(modes)}
    if fields["mode"] in ("linear", "cubic"):
        fields["align_corners"] = rng.random() < 0.5
    if rng.random() < 0.5:
        fields["size"] = [rng.choice((n, 2 * n, n + 1, max(1, n - 2))) for n in x[1:]]
    else:
        fields["scale"] = [
            rng.choice([s for s in (0.5, 0.75, 1.5, 2, 3) if int(n * s) not in (0, n)])
            for n in x[1:]
        ]
    return "upsample", fields


def padding(rng: random.Random, x: Sizes) -> Drawn:
    fields: Fields = {"mode": rng.choice(("constant", "reflect", "replicate", "circular"))}
    if rng.random() < 0.5:
        return "pad", fields | {"p": sides(rng, len(x) - 1)}
    return "pad", fields | {"size": [max(1, n + rng.randint(-1, 3)) for n in x[1:]]}


def cropping(rng: random.Random, x: Sizes) -> Drawn:
    if rng.random() < 0.5:
        return "crop", {"margins": sides(rng, len(x) - 1, 1)}
    sizes = [rng.randint(max(1, n - 2), n) for n in x[1:]]
    return "crop", {"size": sizes, "keep": rng.choice(("center", "first", "last"))}


def shuffling(rng: random.Random, x: Sizes) -> Drawn:
    """Channels among themselves, or channels and positions."""
    rank, choice = len(x) - 1, rng.random()
    if choice < 0.2 and rank:
        return "pixel_shuffle", {"factor": axes(rng, rank, (1, 2))}
    if choice < 0.4 and rank:
        return "pixel_unshuffle", {"factor": [rng.choice((1, divisor(rng, n))) for n in x[1:]]}
    if choice < 0.6:
        return "channel_shuffle", {"groups": divisor(rng, x[0])}
    if choice < 0.8:
        start = rng.randint(0, x[0] - 1)
        return "channel_slice", {"start": start, "stop": rng.randint(start + 1, x[0])}
    return "channel_select", {"indices": [rng.randrange(x[0]) for _ in range(rng.randint(1, 6))]}


def norm(rng: random.Random, x: Sizes) -> Drawn:
    kinds = ("batch_norm", "batch_norm", "group_norm", "instance_norm", "layer_norm", "layer_scale")
    kind = rng.choice(kinds)
    fields: Fields = {"groups": divisor(rng, x[0])} if kind == "group_norm" else {}
    if kind != "layer_scale":
        fields["affine"] = rng.random() < 0.7
    if kind == "layer_norm":
        fields |= {"spatial": rng.random() < 0.3, "bias": rng.random() < 0.7}
    if kind == "batch_norm" and rng.random() < 0.4:
        half = rng.choice(("scale", "bias", "frozen"))
        fields = {half: half == "frozen"}
    return kind, fields


def activation(rng: random.Random, x: Sizes) -> Drawn:
    halves = ["glu"] * 4 if x[0] % 2 == 0 else []
    kind = rng.choice((*POINTS, "prelu", "softmax", *halves))
    return kind, {"per_channel": rng.random() < 0.5} if kind == "prelu" else {}


def gate(rng: random.Random, x: Sizes) -> Drawn:
    if prod(x[1:]) < 60 and rng.random() < 0.6:
        return "attention", {"heads": divisor(rng, x[0])}
    return "squeeze_excite", {"squeeze_channels": rng.randint(1, 3)}


def composite(rng: random.Random, x: Sizes) -> Drawn:
    rank, out, bias = len(x) - 1, rng.randint(1, 8), rng.random() < 0.5
    kinds = ("separable", "gated", "ghost", "mix", "partial", "coord", "large", "spatially")
    kind = rng.choice(kinds[: 7 + (rank > 1)])
    if kind == "large":
        k, d = rng.choice(((3, 1), (3, 2), (5, 2)))
        return "large_kernel_attention", {"k": k, "d": d}
    if kind == "partial":
        return "partial_conv", {"k": rng.choice((1, 3)), "n_div": rng.choice((1, 2, 4))}
    if kind == "mix":
        k = rng.choice(([3, 5], [1, 3], [1, 3, 5]))
        return "mix_conv", {"k": k, "s": rng.choice((1, 2)), "bias": bias}
    if kind == "ghost":
        fields = {"out": out, "k": axes(rng, rank, (1, 3)), "dw_size": rng.choice((1, 3))}
        return "ghost_conv", fields | {"ratio": rng.choice((2, 3)), "s": axes(rng, rank, (1, 2))}
    fields = {"out": out, "bias": bias, **window(rng, rank)}
    if kind == "gated":
        fields["g"] = divisor(rng, x[0], out)
    if kind == "separable":
        fields["depth_multiplier"] = rng.choice((1, 1, 2))
    names = {"gated": "gated_conv", "coord": "coord_conv", "separable": "separable_conv"}
    return names.get(kind, "spatially_separable_conv"), fields


def neighbours(rng: random.Random, x: Sizes) -> Drawn:
    return "local_response_norm", {"size": rng.randint(1, 5)}


def energies(rng: random.Random, x: Sizes) -> Drawn:
    return "global_response_norm", {}


def classifier(rng: random.Random, x: Sizes) -> Drawn:
    fields = {"out": rng.randint(1, 8), "bias": rng.random() < 0.5}
    return "linear", fields | weight_norm(rng)


def flat(rng: random.Random, x: Sizes) -> Drawn:
    return "flatten", {}


WINDOWS: tuple[Maker, ...] = (conv, conv, narrow, narrow, narrow, depthwise, pointwise, stamp)
MOVES: tuple[Maker, ...] = (
    *(pooling, pooling, unpooling, adaptive, adaptive),
    *(resizing, padding, cropping),
)
CHANGES: tuple[Maker, ...] = (*[norm] * 2, *[activation] * 8, *[gate] * 3, energies)
ALL: tuple[Maker, ...] = (
    *WINDOWS,
    *MOVES,
    *CHANGES,
    *[shuffling] * 5,
    *[composite] * 9,
    *(neighbours, whole, whole, flat, flat, classifier),
    *MORE,
)
INNER: tuple[Maker, ...] = (narrow, depthwise, activation, norm)


# --- networks ----------------------------------------------------------------------------------


# Where the one sample of a learned tensor is repeated for those of another input, or stays one.
SIZED = ("pad", "crop", "upsample")
REPEATS = ("add", "mul", "maximum", "elementwise", "concat", *SIZED)


class Drawing:
    """A plan that grows by layers that fit; PyTorch says which do."""

    def __init__(
        self,
        seed: int,
        makers: Sequence[Maker] = ALL,
        most: int = MOST,
        joints: Sequence[str] = JOINTS,
    ) -> None:
        self.rng, self.makers, self.most = random.Random(seed), makers, most
        self.joints = joints
        self.apart = shuffling in makers  # whether channels may go their own ways
        rng, rank = self.rng, self.rng.choice((1, 2, 2, 3))
        start = tuple(rng.randint(3, (19, 11, 6)[rank - 1]) for _ in range(rank))
        self.inputs: dict[str, Sizes] = {"input": (rng.randint(1, 6), *start)}
        if rng.random() < 0.25:
            other = start if rng.random() < 0.7 else tuple(max(2, n // 2) for n in start)
            self.inputs = {"a": self.inputs["input"], "b": (rng.randint(1, 4), *other)}
        self.model = Model(seed=seed)
        self.tensors = {
            name: torch.ones(1, *sizes, dtype=torch.double) for name, sizes in self.inputs.items()
        }
        self.single: set[str] = set()  # what is computed once, of learned tensors alone
        self.batch = rng.choice((1, 1, 2))

    def plan(self) -> Plan:
        wanted, tries = self.rng.randint(3, 16), 0
        while len(self.model.steps) < wanted and tries < 200:
            tries += 1
            self.attempt(self.step(f"t{len(self.model.steps)}"))
        for name in self.inputs:  # a network reads all of its inputs
            if not any(name in step.sources for step in self.model.steps):
                self.attempt(Step(f"t{len(self.model.steps)}", "relu", {}, (name,)))
        dead = self.model.steps[-1].name if self.rng.random() < 0.1 else ""
        return Plan(self.inputs, tuple(self.model.steps), self.batch, dead)

    def attempt(self, step: Step | None) -> None:
        """Adds a layer if it fits and is not too large."""
        if step is None:
            return
        known = set(self.model.parts)
        alone = [name for name in step.sources if name in self.single]
        if 0 < len(alone) < len(step.sources) and step.operator not in REPEATS:
            return
        try:
            with torch.no_grad():
                y = self.model.computed(step, *(self.tensors[name] for name in step.sources))
        except (RuntimeError, ValueError, IndexError):
            y = None
        if y is None or any(self.is_large(piece) for piece in pieces(y)):
            for name in set(self.model.parts) - known:
                del self.model.parts[name]
            return
        self.model.steps.append(step)
        made = named_pieces(step, y)
        self.tensors |= made
        if len(alone) == len(step.sources) or (step.operator in SIZED and step.sources[0] in alone):
            self.single |= set(made)

    def is_large(self, y: torch.Tensor) -> bool:
        return y.numel() > self.most or y.shape[1] > MOST_CHANNELS or y.dim() > 5

    def sizes(self, name: str) -> Sizes:
        return tuple(self.tensors[name].shape[1:])

    def step(self, name: str) -> Step | None:
        """One more layer on what there is."""
        rng, choice = self.rng, self.rng.random()
        if choice < 0.3:
            return self.joined(name)
        if choice < 0.38:
            return self.shared(name)
        if choice < 0.46 and self.joints:
            return joint(rng, name, {n: self.sizes(n) for n in self.tensors}, self.joints)
        source = rng.choice([*self.tensors, *list(self.tensors)[-1:] * 4])
        x = self.sizes(source)
        if len(x) == 1:
            kinds = (norm, activation, classifier, classifier, *[shuffling] * self.apart)
            kinds = (*kinds, *[maker for maker in self.makers if maker in SINGLE])
            return Step(name, *rng.choice(kinds)(rng, x), (source,))
        trainable = rng.random() < 0.9
        if choice < 0.54:
            return replace(self.branched(name, source), trainable=trainable)
        drawn = rng.choice(self.makers)(rng, x)
        return Step(name, *drawn, (source,), trainable=trainable)

    def joined(self, name: str) -> Step | None:
        """Two or three tensors together, or one made as large as another."""
        rng, kind = self.rng, self.rng.choice(("add", "concat", "concat", "mul", "maximum", "size"))
        first = rng.choice(list(self.tensors))
        x = self.sizes(first)
        if kind == "size":
            others = [n for n in self.tensors if n != first and len(self.sizes(n)) == len(x) > 1]
            if not others:
                return None
            return Step(
                name, rng.choice(("pad", "crop", "upsample")), {}, (first, rng.choice(others))
            )
        depth = 1 if kind == "concat" else 0
        fit = [n for n in self.tensors if n != first and self.sizes(n)[depth:] == x[depth:]]
        fit = [n for n in fit if len(self.sizes(n)) == len(x)]
        if not fit:
            return None
        more = rng.sample(fit, min(len(fit), rng.choice((1, 1, 2))))
        return Step(name, kind, {}, (first, *more))

    def shared(self, name: str) -> Step | None:
        """The weights of a layer used again, on whatever tensor they fit."""
        owners = [s for s in self.model.steps if not s.share and s.name in self.model.parts]
        owners = [s for s in owners if list(self.model.parts[s.name].parameters())]
        owners = [s for s in owners if s.sources]
        if not owners:
            return None
        owner, source = self.rng.choice(owners), self.rng.choice(list(self.tensors))
        if len(self.sizes(source)) != len(self.sizes(owner.sources[0])):
            return None
        return replace(owner, name=name, sources=(source,), share=owner.name)

    def branched(self, name: str, source: str) -> Step:
        """A composite whose branches keep the size; one may be empty."""
        rng, x = self.rng, self.sizes(source)
        split = rng.choice(("channels", "copy")) if self.apart else "copy"
        count = rng.choice((2, 2, 3))
        c = x[0] // count if split == "channels" else x[0]
        paths = []
        for _ in range(count):
            drawn = [rng.choice(INNER)(rng, (max(1, c), *x[1:])) for _ in range(rng.randint(0, 2))]
            paths.append(tuple(Step("", operator, fields) for operator, fields in drawn))
        join = rng.choice(("concat", "concat", "add", "mul", "max"))
        return Step(name, "branches", {"split": split, "join": join}, (source,), "", tuple(paths))


def drawn(seed: int, **more: Any) -> Plan:
    """The network of a seed."""
    return Drawing(seed, **more).plan()


# --- both sides --------------------------------------------------------------------------------


def item(step: Step) -> dict[str, Any]:
    """A layer as a network file says it."""
    if step.paths:
        paths = [[item(inner) for inner in path] for path in step.paths]
        said: dict[str, Any] = {"branches": paths, **step.fields}
    else:
        said = {step.operator: step.fields}
    if step.name:
        said |= {"id": step.name, **({"from": list(step.sources)} if step.sources else {})}
    if not step.trainable:
        said["trainable"] = False
    return said | ({"share": step.share} if step.share else {})


def text_of(plan: Plan) -> str:
    """The network file."""
    inputs = {name: list(sizes) for name, sizes in plan.inputs.items()}
    head: dict[str, Any] = {"convcalc": 1, "name": "drawn"}
    head |= {"input": inputs["input"]} if "input" in inputs else {"inputs": inputs}
    items = [item(step) for step in plan.steps]
    content = head | {"layers": items, "outputs": plan.outputs}
    return yaml.dump(content, Dumper=Plain, sort_keys=False, default_flow_style=None, width=1000)


class Plain(yaml.SafeDumper):
    """Without anchors, which network files do not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def network_of(plan: Plan) -> Network:
    """What convcalc reads of the file; raises :class:`Refused` for an error."""
    target = Target("drawn.convcalc.yaml", None, text_of(plan).encode())
    network = read_network(target, batch=plan.batch)
    if errors := [p for p in network.problems if p.severity == "error"]:
        raise Refused(errors[0].name, errors[0].message)
    return network


class Refused(Exception):
    """What convcalc refuses: the rule and the message."""


def ours(plan: Plan) -> dict[str, Any]:
    """What convcalc counts."""
    report = analyse(network_of(plan))
    layers = [layer for layer in report.layers if not layer.shares]
    names = {step.name for step in plan.steps}
    return {
        "shapes": {x.path: x.output.dims for x in report.layers if x.path in names},
        "outputs": [shape.dims for shape in report.outputs.values()],
        "weights": sorted(tuple(shape) for x in layers for shape in x.weights.values()),
        "params": report.totals.params,
        "flops": report.totals.flops,
        "training": report.totals.training,
        "activations": report.totals.activations,
    }


def theirs(plan: Plan) -> dict[str, Any]:
    """What PyTorch computes and its counter counts."""
    model = Model(plan.steps)
    inputs = {
        name: torch.ones(plan.batch, *sizes, dtype=torch.double)
        for name, sizes in plan.inputs.items()
    }
    with torch.no_grad():
        model(inputs)  # makes the weights
    with FlopCounterMode(display=False) as counter:
        tensors = model(inputs)
        forward = counter.get_total_flops()
        loss = sum(tensors[name].sum() for name in plan.outputs)
        if isinstance(loss, torch.Tensor) and loss.requires_grad:
            loss.backward()
    weights = [tuple(p.shape) for p in model.parameters()]
    return {
        "shapes": {step.name: tuple(tensors[step.name].shape) for step in plan.steps},
        "outputs": [tuple(tensors[name].shape) for name in plan.outputs],
        "weights": sorted(weights),
        "params": sum(map(prod, weights)),
        "flops": forward,
        "training": counter.get_total_flops(),
        "activations": sum(model.multiplied),
    }


def differences(plan: Plan) -> dict[str, str]:
    """What differs, by what it is."""
    torchs = theirs(plan)
    try:
        mine = ours(plan)
    except Refused as error:
        name, message = error.args
        return {f"refused, {name}": message}
    torchs["shapes"] = {key: torchs["shapes"][key] for key in mine["shapes"]}
    return {
        key: f"{value}, PyTorch: {torchs[key]}"
        for key, value in mine.items()
        if value != torchs[key]
    }


# --- the smallest network that differs ---------------------------------------------------------


def smaller(plan: Plan) -> Iterator[Plan]:
    """Networks with a layer or a field less, or a batch of 1."""
    if plan.batch > 1:
        yield replace(plan, batch=1)
    if plan.dead:
        yield replace(plan, dead="")
    if not all(step.trainable for step in plan.steps):
        yield replace(plan, steps=tuple(replace(step, trainable=True) for step in plan.steps))
    for gone in plan.steps:
        lost = {gone.name}
        kept = []
        for step in plan.steps:
            if lost & {step.name, step.share, *step.sources}:
                lost.add(step.name)
            else:
                kept.append(step)
        yield without_unread(replace(plan, steps=tuple(kept)))
        if gone.sources:  # or what it read instead of it
            through = gone.sources[0]
            steps = [
                replace(s, sources=tuple(through if n == gone.name else n for n in s.sources))
                for s in plan.steps
                if gone.name not in (s.name, s.share)
            ]
            yield without_unread(replace(plan, steps=tuple(steps)))
    for step in plan.steps:
        for key in step.fields:
            fields = {name: value for name, value in step.fields.items() if name != key}
            whose = (step.name, step.share or step.name)
            steps = [
                replace(s, fields=fields) if s.name in whose or s.share in whose else s
                for s in plan.steps
            ]
            yield replace(plan, steps=tuple(steps))


def without_unread(plan: Plan) -> Plan:
    """Without the inputs that nothing reads any more."""
    read = {name for step in plan.steps for name in step.sources}
    return replace(plan, inputs={k: v for k, v in plan.inputs.items() if k in read})


def shrunk(plan: Plan, failing: Callable[[Plan], bool]) -> Plan:
    """The smallest network found that still fails."""
    found = True
    while found:
        found = False
        for one in smaller(plan):
            try:
                fails = bool(one.steps) and failing(one)
            except Exception:  # a network that PyTorch does not build fails otherwise
                continue
            if fails:
                plan, found = one, True
                break
    return plan


def report_of(plan: Plan) -> str:
    """What differs in the smallest network with the same difference, and its file."""
    kinds = set(differences(plan))
    small = shrunk(plan, lambda one: bool(kinds & set(differences(one))))
    lines = [f"  {key}: {value}" for key, value in differences(small).items()]
    return "\n".join([*lines, f"batch {small.batch}", text_of(small)])


def main() -> int:
    count, first = (*map(int, sys.argv[1:]), 0)[:2] if len(sys.argv) > 1 else (1000, 0)
    torch.set_num_threads(1)
    failed = 0
    for seed in range(first, first + count):
        try:
            found = differences(drawn(seed))
        except Exception:  # shown with its seed
            found = {"crash": traceback.format_exc(limit=-3)}
        if found:
            failed += 1
            if failed <= 10:
                shown = found.get("crash") or report_of(drawn(seed))
                print(f"seed {seed}\n{shown}", flush=True)  # noqa: T201
    print(f"{count} networks, {failed} differ")  # noqa: T201
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
