"""Residuals and branches: statements of forward that read one tensor several times."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.expressions import names_in
from convcalc.exporting.phrases import bracketed
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.headers import headed, indexed
from convcalc.exporting.torch.parts import Var
from convcalc.exporting.torch.statements import NotChain
from convcalc.exporting.trace import Run
from convcalc.language.parse.tree import Item
from convcalc.language.syntax import nodes

_SUM = {"add": " + ", "mul": " * "}


def residual(body: Body, item: Item, source: Var) -> None:
    """The body of a residual, joined with its shortcut."""
    body.need_forward()
    if body.adder is not None:
        raise NotChain
    running = body.running
    body.pins.append(source.channels)
    inner = body.variables.fresh("y")
    body.running = inner
    body.items(item.body)
    main = body.cur
    body.running = running
    body.pins.append(main.channels)
    body.cur = source
    side = _shortcut(body, item) if item.shortcut else source.tensor
    body.pins.pop()
    body.pins.pop()
    absent = [run for run in body.runs(item) if _is_bare(item, run)]
    if absent and len(absent) == len(body.runs(item)):
        body.apply(side, main.channels)
    elif absent:
        raise body.refuse("the body of a residual is sometimes left out", "residual")
    else:
        body.apply(_joined(item.join, [main.tensor, side]), main.channels, item)
    body.variables.taken.discard(inner)


def _is_bare(item: Item, run: Run) -> bool:
    children = {id(child.item) for child in run.children}
    return item.optional_body and not any(id(each) in children for each in item.body)


def _joined(join: str, tensors: Sequence[str]) -> str:
    """The expression that joins tensors."""
    if join in _SUM:
        return _SUM[join].join(tensors)
    if join == "maximum":
        made = tensors[0]
        for tensor in tensors[1:]:
            made = f"torch.maximum({made}, {tensor})"
        return made
    return f"torch.cat([{', '.join(tensors)}], dim=1)"


def _shortcut(body: Body, item: Item) -> str:
    """The expression of a shortcut."""
    source = body.cur
    name = body.holders.fresh("shortcut")
    target = f"self.{name}"
    body.unmerged = item.shortcut[-1]
    try:
        lines, after = body.collected(item.shortcut, target)
    except NotChain:
        body.holders.taken.discard(name)
        inner = body.variables.fresh("side")
        running, body.running = body.running, inner
        body.items(item.shortcut)
        body.running = running
        body.variables.taken.discard(inner)
        return body.cur.tensor
    body.cur = source._replace(channels=after)
    if not lines:
        body.holders.taken.discard(name)
        return source.tensor
    start = f"{target}.append("
    depth = body.depth[0]
    if len(lines) == 1 and lines[0][1].startswith(start):
        body.make(f"{target} = {lines[0][1][len(start) : -1]}")
    elif len(lines) == 2 and lines[0][1].startswith("if ") and lines[1][1].startswith(start):
        body.make(f"{target}: nn.Module = nn.Identity()")
        body.make(lines[0][1])
        with body.inside(0):
            body.make(f"{target} = {lines[1][1][len(start) : -1]}")
    elif all(text.startswith(start) and at == depth for at, text in lines):
        modules = ", ".join(text[len(start) : -1] for _, text in lines)
        body.make(f"{target} = nn.Sequential({modules})")
    else:
        body.make(f"{target} = nn.Sequential()")
        body.init += lines
    return f"{target}({source.tensor})"


def branches(body: Body, item: Item, source: Var) -> None:
    """Branches that read one tensor, or parts of its channels, and are joined."""
    body.need_forward()
    if body.adder is not None:
        raise NotChain
    running = body.running
    if item.split is not None and item.join == "add" and not any(b.body for b in item.branches):
        _summed(body, item, source)
        return
    pins = len(body.pins)
    body.pins.append(source.channels)
    pieces = _pieces(body, item, source)
    results: list[Var] = []
    names: list[str] = []
    for k, branch in enumerate(item.branches):
        if branch.body and not any(map(body.runs, branch.body)):
            continue
        names.append(body.variables.fresh(_LETTERS[len(names) % len(_LETTERS)]))
        body.running = names[-1]
        body.cur = pieces[k] if pieces else source
        results.append(_branch(body, branch))
        body.pins.append(results[-1].channels)
    body.running = running
    del body.pins[pins:]
    _join(body, item, results)
    body.variables.taken -= set(names)


def _branch(body: Body, branch: Item) -> Var:
    """One branch: a tensor, or a list of those of its rounds, or of one or none."""
    if branch.loops:
        return _looped(body, branch)
    condition = _condition(body, branch)
    if condition:
        return _guarded(body, branch, condition)
    body.items(branch.body)
    return body.cur


def _condition(body: Body, branch: Item) -> str:
    """Where a branch is there; empty if it always is."""
    body.reading = body.cur.channels
    if branch.optional_body:
        texts = [body.text(each.condition[1]) for each in branch.body if each.condition]
        return "" if "True" in texts or _covers(texts) else " or ".join(texts)
    if branch.condition is None:
        return ""
    text = body.text(branch.condition[1])
    return "" if text == "True" else text


def _join(body: Body, item: Item, results: Sequence[Var]) -> None:
    """Joins the results of branches."""
    tensors = [f"*{var.tensor}" if var.is_list else var.tensor for var in results]
    widths = _channels(item.join, results)
    if len(results) == 1 and not results[0].is_list:
        body.apply(tensors[0], widths)
    elif item.join == "concat":
        body.apply(_joined(item.join, tensors), widths, item)
    elif any(var.is_list for var in results):
        if item.join != "add":
            raise body.refuse("branches that a loop makes are added or concatenated", "branches")
        plain = next((var for var in results if not var.is_list), results[0])
        width = plain.widths or plain.channels
        body.apply(f"torch.stack([{', '.join(tensors)}]).sum(dim=0)", width, item)
    else:
        body.apply(_joined(item.join, tensors), widths, item)


def _summed(body: Body, item: Item, source: Var) -> None:
    """The sum of as many sets of channels as there are branches."""
    count = body.number(
        "sets",
        lambda run: run.source.channels // run.output.channels if run.source and run.output else 1,
    )
    width = f"{bracketed(source.channels)} // {count}"
    body.apply(
        f"torch.unflatten({source.tensor}, 1, ({body.keep(count)}, -1)).sum(dim=1)", width, item
    )


_LETTERS = ("a", "b", "c", "d", "e", "g", "h", "k")


def _covers(conditions: Sequence[str]) -> bool:
    """Whether one of the conditions always holds, as far as the texts show."""
    return any(f"not {c}" in conditions or f"not ({c})" in conditions for c in conditions)


def _channels(join: str, results: Sequence[Var]) -> str:
    if join != "concat":
        return results[0].channels
    texts = [var.channels for var in results]
    if len(set(texts)) == 1 and len(texts) > 1 and not results[0].is_list:
        text = texts[0]
        return f"{len(texts)} * {bracketed(text)}"
    return " + ".join(texts)


def _pieces(body: Body, item: Item, source: Var) -> list[Var]:
    """The channels that each branch reads, where ``split`` says so."""
    if item.split is None:
        return []
    node = item.split[1]
    if isinstance(node, nodes.Scalar) and node.value == "copy":
        return []
    count = len(item.branches)
    if isinstance(node, nodes.Scalar) and node.value == "channels":
        width = f"{bracketed(source.channels)} // {count}"
        widths = [width] * count
        call = f"{source.tensor}.chunk({count}, dim=1)"
    else:
        assert isinstance(node, nodes.Sequence)
        body.reading = source.channels
        widths = [body.text(each) for each in node.items]
        sizes = ", ".join(body.keep(width, "width") for width in widths)
        call = f"torch.split({source.tensor}, [{sizes}], dim=1)"
    names = [body.variables.fresh(name) for name in ("first", "second", "third", "fourth")[:count]]
    body.do(f"{', '.join(names)} = {call}")
    return [Var(name, width) for name, width in zip(names, widths, strict=True)]


def _guarded(body: Body, branch: Item, condition: str) -> Var:
    """A branch that is there under a condition: a list of one tensor, or of none."""
    flag = body.keep(condition, "has_branch")
    rounds = body.variables.fresh("parts")
    body.do(f"{rounds} = []")
    body.make(f"if {condition}:")
    body.do(f"if {flag}:")
    start = len(body.init)
    with body.inside(0, 1):
        body.items(branch.body)
        body.do(f"{rounds}.append({body.cur.tensor})")
    if len(body.init) == start:
        body.init.pop()
    return Var(rounds, body.cur.channels, is_list=True)


def _looped(body: Body, branch: Item) -> Var:
    """A branch for each round of its ``for``."""
    rounds, read = body.running, body.cur
    name = body.holders.fresh("branch")
    body.make(f"self.{name} = nn.ModuleList()")
    (only, *more) = branch.body
    walked = [key for key, _ in branch.loops if only.sources and only.sources[0].text == key]
    tensors: list[Var] = []
    with headed(body, branch) as header:
        if walked:
            tensors = header.tensors[walked[0]]
            body.walked[-1][walked[0]] = tensors[0]
        if walked and not more:
            widths = [var.channels for var in tensors]
            width = widths[0] if len(set(widths)) == 1 else indexed(body, header, widths)
            channels = _walk_one(body, only, name, Var(tensors[0].tensor, width))
        else:
            branch_name = body.names.fresh("module")
            body.make(f"{branch_name} = nn.Sequential()")
            body.reading = read.channels
            lines, channels = body.collected(branch.body, branch_name)
            body.init += lines
            body.make(f"self.{name}.append({branch_name})")
    if walked:
        listed = ", ".join(var.tensor for var in tensors)
        source = f"zip(self.{name}, ({listed}), strict=True)"
        body.do(f"{rounds} = [branch(source) for branch, source in {source}]")
    else:
        body.do(f"{rounds} = [branch({read.tensor}) for branch in self.{name}]")
    if names_in(channels) & set(header.variables):
        channels = body.number(
            "channels", lambda run: run.output.channels if run.output else 0, only
        )
    count = f"len(self.{name}) * {bracketed(channels)}"
    return Var(rounds, count, widths=channels, is_list=True)


def _walk_one(body: Body, only: Item, name: str, source: Var) -> str:
    """One block per tensor."""
    kept = list(only.sources)
    only_sources, only.sources = only.sources, []
    try:
        body.cur = source
        lines, channels = body.collected([only], f"self.{name}")
    finally:
        only.sources = only_sources or kept
    body.init += lines
    return channels
