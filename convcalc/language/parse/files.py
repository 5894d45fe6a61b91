"""Parses a network file and its imports: params, variants, blocks, and the list of layers.

The result for one file is a :class:`Unit`.
"""

from __future__ import annotations

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise, nearest, use
from convcalc.diagnostics.work import current
from convcalc.language.parse.items import Items
from convcalc.language.parse.params import check_param, param_value, read_param
from convcalc.language.parse.tree import BLOCK_KEYS, TOP_KEYS, Block, Item, Param, Unit
from convcalc.language.sources.files import Files
from convcalc.language.syntax import nodes, reader

FORMAT_VERSION = 1
MOST_NESTED = 64  # levels of blocks, which are written out by recursion
MOST_IMPORTS = 32  # levels
MOST_FILES = 200  # that one network imports, directly or through others


class Units:
    """Reads network files and their imports; collects their problems and source texts."""

    def __init__(self, files: Files, limits: reader.Limits) -> None:
        self.files = files
        self.limits = limits
        self.problems: list[Diagnostic] = []
        self.sources: dict[str, str] = {}
        self.loading: list[str] = []
        self.units: dict[str, Unit | None] = {}

    def problem(
        self, name: str, message: str, place: Place, advice: str = "", *related: Related
    ) -> None:
        """Collects one problem."""
        self.problems.append(Diagnostic(name, message, place, advice, related))

    def report(self, *diagnostics: Diagnostic) -> None:
        """Collects problems that already exist as diagnostics."""
        self.problems += diagnostics

    def parse(self, file: str, content: bytes | str) -> Unit | None:
        """Parses a file's content; None if it has no mapping at the top."""
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        self.sources[file] = text.removeprefix("\ufeff")
        root, problems = reader.read(content, file, self.limits)
        self.problems += problems
        if root is None:
            return None
        if not isinstance(root, nodes.Mapping):
            message = "a network file is a mapping with the keys 'convcalc', 'name', 'layers', …"
            self.problem("wrong-type", message, root.place)
            return None
        return self.read_unit(file, root)

    def read_unit(self, file: str, root: nodes.Mapping) -> Unit:
        """Reads a file's params, imports and blocks from its nodes."""
        unit = Unit(file, root)
        self.check_top(root, file)
        self.loading.append(file)
        self.read_params(unit)
        self.read_imports(unit)
        self.read_blocks(unit)
        self.loading.pop()
        return unit

    def check_top(self, root: nodes.Mapping, file: str) -> None:
        """Reports unknown top-level keys and a wrong format version."""
        for key, _ in root.entries:
            if key.text not in TOP_KEYS:
                advice = advise(key.text, TOP_KEYS, "valid keys:")
                message = f"unknown key '{key.text}' at the top"
                self.problem("unknown-key", message, key.place, advice)
        version = root.get("convcalc")
        if version is None:
            message = "the key 'convcalc' is missing"
            advice = f"begin the file with 'convcalc: {FORMAT_VERSION}', the format's version"
            self.problem("missing-key", message, Place(file, 1, 1), advice)
        elif repr(getattr(version, "value", None)) != repr(FORMAT_VERSION):  # true is not 1
            text = getattr(version, "text", "a list")
            message = f"format version {text} is not known"
            self.problem("out-of-range", message, version.place, f"write {FORMAT_VERSION}")

    # --- params -------------------------------------------------------------------------------

    def read_params(self, unit: Unit) -> None:
        """Reads the file's params and variants."""
        unit.params = self.read_declarations(unit.root.get("params"), frozenset())
        for param in unit.params.values():
            if param.default is None:
                message = f"param '{param.name}' of a file needs a value"
                self.problem(
                    "missing-key", message, param.place, "only blocks have required params"
                )
        variants = unit.root.get("variants")
        for key, node in self.entries(variants, "variants"):
            if not isinstance(node, nodes.Mapping):
                message = f"variant '{key.text}' needs a mapping of params to values"
                self.problem("wrong-type", message, node.place)
                continue
            if key.text == getattr(unit.root.get("name"), "text", ""):
                message = f"variant '{key.text}' has the network's own name"
                advice = "the base needs no variant; give its values under 'params'"
                self.problem("duplicate-key", message, key.place, advice)
            unit.variants[key.text] = node
            for name, _ in node.entries:
                if name.text not in unit.params:
                    advice = advise(name.text, unit.params, "variants override params only")
                    message = f"variant '{key.text}' sets '{name.text}', which is no param"
                    self.problem("unknown-name", message, name.place, advice)

    def entries(self, node: nodes.Node | None, key: str) -> list[tuple[nodes.Scalar, nodes.Node]]:
        """The entries of a mapping; none if it is missing or null. Reports other nodes."""
        if node is None or (isinstance(node, nodes.Scalar) and node.value is None):
            return []
        if not isinstance(node, nodes.Mapping):
            self.problem("wrong-type", f"'{key}' is a mapping", node.place)
            return []
        return node.entries

    def read_declarations(self, node: nodes.Node | None, outer: frozenset[str]) -> dict[str, Param]:
        """Reads declarations of params; a default may use earlier params and ``outer`` names."""
        found: dict[str, Param] = {}
        names = set(outer)
        for key, value in self.entries(node, "params"):
            try:
                found[key.text] = read_param(key, value, names)
            except Rejected as error:
                self.report(*error.diagnostics)
                found[key.text] = broken = Param(key.text, key.place)
                broken.default = nodes.Scalar(None, "", True, key.place)
                broken.is_broken = True
            names.add(key.text)
        return found

    def bind(
        self, unit: Unit, overrides: dict[str, nodes.Node], settings: dict[str, nodes.Node]
    ) -> None:
        """Gives the file's params their values: a setting, else the variant's, else the default."""
        spend = current().spend
        for name, param in unit.params.items():
            spend(3, "params")
            for node in (settings.get(name), overrides.get(name), param.default):
                if node is None:
                    continue
                try:
                    if node is param.default and param.evaluate is not None:  # compiled already
                        unit.scope[name] = check_param(
                            param, param.evaluate(unit.scope), node.place
                        )
                    else:
                        unit.scope[name] = param_value(param, node, unit.scope)
                    unit.given[name] = node
                    break
                except Rejected as error:
                    self.report(*error.diagnostics)
                    # Params that follow may use the next best value, but no layer may: its
                    # numbers would not be those that were asked for.
                    unit.is_broken = True
            if unit.scope.get(name) is None:
                unit.is_broken = True

    # --- imports ------------------------------------------------------------------------------

    def read_imports(self, unit: Unit) -> None:
        """Reads ``imports: {namespace: path}``; only blocks become visible."""
        found: dict[str, Unit | None] = {}
        for key, node in self.entries(unit.root.get("imports"), "imports"):
            if not isinstance(node, nodes.Scalar) or not isinstance(node.value, str):
                self.problem("wrong-type", "an import is the path of a file", node.place)
                continue
            if node.text not in found:
                current().spend(300, "imports")
                try:
                    found[node.text] = self.import_unit(unit, node)
                except Rejected as error:
                    self.report(*error.diagnostics)
                    found[node.text] = None
            unit.imports[key.text] = found[node.text]

    def import_unit(self, unit: Unit, node: nodes.Scalar) -> Unit | None:
        """Reads an import, from beside the importing file or else from the shipped files.

        Returns None if that file has a problem; Rejected if there is no such file.
        """
        if "://" in node.text:
            raise rejected("unreadable-import", "an import is a file, not a URL", node.place)
        near, far = self.files.import_paths(unit.file, node.text)
        for path in (near, far):
            if not self.files.is_allowed(path):
                continue
            if len(self.loading) > MOST_IMPORTS:
                self.report_too_deep(
                    node.place, f"imports are nested deeper than {MOST_IMPORTS} levels"
                )
                return None
            if path in self.loading:
                ring = " → ".join([*self.loading[self.loading.index(path) :], path])
                raise rejected("import-cycle", f"imports form a cycle: {ring}", node.place)
            if path not in self.units:
                if len(self.units) >= MOST_FILES:
                    message = f"more than {MOST_FILES} files are imported"
                    raise rejected("too-large", message, node.place, "put blocks into one file")
                try:
                    content = self.files.read(path)
                except OSError:
                    continue
                self.units[path] = None
                self.units[path] = self.load(path, content)
            return self.units[path]
        message = f"no file '{node.text}' beside this one or among the shipped blocks"
        if not self.files.is_allowed(near):
            message = f"'{node.text}' lies outside the project's folder {self.files.root}"
        raise rejected("unreadable-import", message, node.place)

    def load(self, path: str, content: bytes | str) -> Unit | None:
        """Reads an imported file and gives its params their defaults."""
        unit = self.parse(path, content)
        if unit is not None:
            self.bind(unit, {}, {})
        return unit

    # --- blocks -------------------------------------------------------------------------------

    def read_blocks(self, unit: Unit) -> None:
        """Reads all block headers first, so that a block can call one that is defined below it."""
        outer = frozenset(unit.params)
        bodies: list[tuple[Block, nodes.Node | None]] = []
        for key, node in self.entries(unit.root.get("blocks"), "blocks"):
            block = Block(key.text, key.place, unit)
            unit.blocks[key.text] = block
            if not _is_pascal_case(key.text):
                message = f"block '{key.text}' needs a name in PascalCase"
                advice = use("".join(p.capitalize() for p in key.text.split("_")))
                self.problem("wrong-type", message, key.place, advice)
            bodies.append((block, self.read_block_head(block, node, outer)))
        for block, body in bodies:
            current().spend(1 + len(outer) // 32, "names in blocks")
            refs = {p.name for p in block.params.values() if p.kind == "ref"}
            names = outer | {n for n in block.params if n not in refs} | {"in_channels"}
            items = Items(unit, self.report, refs | {"prev", "input"})
            block.body, block.calls = items.read_items(body, names), items.calls
        self.check_cycles(unit)

    def read_block_head(
        self, block: Block, node: nodes.Node, outer: frozenset[str]
    ) -> nodes.Node | None:
        """Reads a block's params; returns the node of its layers."""
        if isinstance(node, nodes.Sequence):
            return node
        if not isinstance(node, nodes.Mapping):
            message = f"block '{block.name}' needs 'layers'"
            self.problem("wrong-type", message, node.place, "layers: [...]")
            return None
        for key, _ in node.entries:
            if key.text not in BLOCK_KEYS:
                advice = advise(key.text, BLOCK_KEYS, "valid keys:")
                message = f"unknown key '{key.text}' in block '{block.name}'"
                self.problem("unknown-key", message, key.place, advice)
        has_layers = "layers" in node.keys
        if not has_layers and node.whole and not any(map(_may_be_layers, node.keys)):
            self.problem("missing-key", f"block '{block.name}' has no 'layers'", block.place)
        block.params = self.read_declarations(node.get("params"), outer | {"in_channels"})
        return node.get("layers")

    def check_cycles(self, unit: Unit) -> None:
        """Reports blocks that call themselves, directly or through others, and breaks the cycle."""
        open_, done = list[Block](), set[Block]()

        def visit(block: Block) -> None:
            open_.append(block)
            for callee, place in list(block.calls):
                if len(open_) > MOST_NESTED:
                    self.report_too_deep(
                        place, f"blocks are nested deeper than {MOST_NESTED} levels"
                    )
                    _break_calls(block.body, callee)
                elif callee in open_:
                    ring = [b.name for b in open_[open_.index(callee) :]]
                    through = f" through {' → '.join(ring[1:])}" if ring[1:] else ""
                    message = f"block '{callee.name}' calls itself{through}"
                    self.problem("block-cycle", message, place)
                    _break_calls(block.body, callee)
                elif callee not in done:
                    visit(callee)
            done.add(open_.pop())

        for block in unit.blocks.values():
            if block not in done:
                visit(block)

    def report_too_deep(self, place: Place, message: str) -> None:
        """Reports, only once, that blocks or imports are nested too deeply."""
        if not any(problem.message == message for problem in self.problems):
            self.problem("too-large", message, place)

    def layers(self, unit: Unit, input_names: frozenset[str]) -> list[Item]:
        """The items of the network itself."""
        node = unit.root.get("layers")
        names = frozenset(unit.params) | {"in_channels"}
        return Items(unit, self.report, input_names | {"prev"}).read_items(node, names)


def _may_be_layers(key: str) -> bool:
    """Whether 'layers' is meant by a misspelt key, which is reported already."""
    return bool(nearest(key, ("layers",)))


def _is_pascal_case(name: str) -> bool:
    return name[:1].isupper() and name.isidentifier()


def _break_calls(items: list[Item], block: Block) -> None:
    """Makes the calls that close a cycle harmless."""
    for item in items:
        if item.block is block:
            item.kind, item.block = "broken", None
        for part in (item.body, item.shortcut, item.branches):
            _break_calls(part, block)
