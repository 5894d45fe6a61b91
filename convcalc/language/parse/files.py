"""Parses a network file and its imports: params, variants, blocks, and the list of layers.

The result for one file is a :class:`Unit`.
"""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current
from convcalc.errors import Error
from convcalc.language.parse.items import Items
from convcalc.language.parse.params import check_param, param_value, read_param
from convcalc.language.parse.tree import BLOCK_KEYS, OF_VARIANT, TOP_KEYS, Block, Item, Param, Unit
from convcalc.language.sources.files import Files
from convcalc.language.sources.gate import reason
from convcalc.language.syntax import nodes
from convcalc.language.syntax.document_limits import LIMITS, Limits
from convcalc.language.syntax.ready import find_tree
from convcalc.language.syntax.sizes import CHANNELS, OF_BLOCK, SIZES
from convcalc.model.operators.words import key_advice, meant_key

FORMAT_VERSION = 1
MOST_NESTED = 64  # levels of blocks, which are written out by recursion
MOST_NESTED_IMPORTS = 32
MOST_IMPORTS = 200  # files


class Units:
    """Reads network files and their imports; collects their problems and source texts."""

    def __init__(self, files: Files, limits: Limits) -> None:
        self.files = files
        self.limits = limits
        self.problems: list[Diagnostic] = []
        self.sources: dict[str, str] = {}
        self.loading: list[str] = []
        self.units: dict[str, Unit | None] = {}
        self.foreign: dict[str, nodes.Node] = {}  # files of values, by path

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
        root = self.find_ready(file, content)
        if root is None:
            root, problems = self.files.parsed(file, content, self.limits)
            self.problems += problems
        if root is None:
            return None
        if not isinstance(root, nodes.Mapping):
            message = "a network file is a mapping with the keys 'convcalc', 'name', 'layers', …"
            self.problem("wrong-type", message, root.place)
            return None
        return self.read_unit(file, root)

    def find_ready(self, file: str, content: bytes | str) -> nodes.Node | None:
        """The tree of a shipped file that was read before; None for all other files."""
        if isinstance(content, str) or self.limits != LIMITS or not self.files.is_shipped(file):
            return None
        return find_tree(self.files.shipped_path(file), file, content)

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
        for key, node in root.entries:
            if key.text not in TOP_KEYS:
                advice = key_advice(key.text, TOP_KEYS)
                message = f"unknown key '{key.text}' at the top"
                self.problem("unknown-key", message, key.place, advice)
                meant = meant_key(key.text, TOP_KEYS)
                if meant and meant not in root.keys:
                    root.put(key.renamed(meant), node)
        several = root.get("inputs")
        if isinstance(several, nodes.Sequence) and "input" not in root.keys:
            message = "'inputs' maps names to shapes, but this is one shape"
            self.problem("wrong-type", message, root.keys["inputs"].place, "use 'input'")
            root.move("inputs", "input")
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
        declared = self.entries(unit.root.get("params"), "params")
        self.read_functions(unit, frozenset(key.text for key, _ in declared))
        unit.params = self.read_declarations(unit.root.get("params"), unit.names)
        for param in unit.params.values():
            if param.default is None and param.source is None:
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
                if name.text not in unit.params and name.text not in OF_VARIANT:
                    advice = advise(name.text, unit.params, _OF_VARIANTS)
                    message = f"variant '{key.text}' sets '{name.text}', which is not a param"
                    self.problem("unknown-name", message, name.place, advice)

    def read_functions(self, unit: Unit, params: frozenset[str]) -> None:
        """Reads the functions of the file, which its expressions then may call."""
        for key, node in self.entries(unit.root.get("functions"), "functions"):
            from convcalc.language.parse.functions import read_function  # few files have them

            try:
                function = read_function(key, node, params, unit)
                if unit.functions.get(f"{function.name}()"):
                    message = f"duplicate function '{function.name}'"
                    raise rejected("duplicate-key", message, key.place)
                unit.functions[f"{function.name}()"] = function
            except Rejected as error:
                self.report(*error.diagnostics)
                unit.functions.setdefault(f"{key.text.partition('(')[0]}()", None)
        unit.forget_values()

    def entries(self, node: nodes.Node | None, key: str) -> list[tuple[nodes.Scalar, nodes.Node]]:
        """The entries of a mapping; none if it is missing or null. Reports other nodes."""
        if node is None or (isinstance(node, nodes.Scalar) and node.value is None):
            return []
        if not isinstance(node, nodes.Mapping):
            from convcalc.language.parse.misread import unmapped

            advice, entries = unmapped(node, key)
            self.problem("wrong-type", f"'{key}' must be a mapping", node.place, advice)
            return entries
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
        """Gives the file's params their values.

        A setting comes first, then the variant's, the one in another program's file, the default.
        """
        spend = current().spend
        for name, param in unit.params.items():
            spend(3, "params")
            for node in self.candidates(unit, param, settings.get(name), overrides.get(name)):
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

    def candidates(
        self, unit: Unit, param: Param, *given: nodes.Node | None
    ) -> Iterator[nodes.Node]:
        """Yields the nodes that may be a param's value, the best first."""
        yield from (node for node in given if node is not None)
        if param.source is not None:
            try:
                found = self.sourced(unit, param.source, param.default is not None)
            except Rejected as error:
                self.report(*error.diagnostics)
                unit.is_broken = True
            else:
                if found is not None:
                    yield found
        if param.default is not None:
            yield param.default

    def sourced(
        self, unit: Unit, source: tuple[nodes.Scalar, nodes.Scalar], optional: bool
    ) -> nodes.Node | None:
        """The node of a param that is in another program's file; Rejected if there is none.

        With a default the key may be missing, but not the file.
        """
        from convcalc.language.syntax.foreign import NoKey, value_at

        file, key = source
        root = self.values(unit, file)
        try:
            return value_at(root, key.text)
        except NoKey as error:
            if optional:
                return None
            raise rejected("unknown-name", error.message, key.place, error.help) from None
        except Error as error:
            raise rejected("wrong-type", error.message, key.place, error.help) from None

    def values(self, unit: Unit, file: nodes.Scalar) -> nodes.Node:
        """The nodes of a file of values beside a network file, read once; else Rejected."""
        from convcalc.language.syntax.foreign import Unreadable, read_values

        path = self.files.import_paths(unit.file, file.text)[0]
        if path in self.foreign:
            return self.foreign[path]
        if "://" in file.text or "\0" in file.text or not self.files.is_allowed(path):
            message = f"'{file.text}' lies outside the project's folder {self.files.root}"
            link = "" if "\0" in file.text else self.files.refusal(path)
            raise rejected("unreadable-import", link or message, file.place)
        try:
            content = self.files.read(path)
            if len(content) > self.limits.bytes:
                raise Unreadable(f"it has more than {self.limits.bytes:,} bytes")
            self.foreign[path], self.sources[path] = read_values(content, path)
        except OSError as error:
            message = f"cannot read '{file.text}': {reason(error)}"
            raise rejected("unreadable-import", message, file.place) from None
        except Unreadable as error:
            line = f", line {error.line}" if error.line > 1 else ""
            message = f"cannot read '{file.text}'{line}: {error.message}"
            raise rejected("unreadable-import", message, file.place) from None
        return self.foreign[path]

    # --- imports ------------------------------------------------------------------------------

    def read_imports(self, unit: Unit) -> None:
        """Reads ``imports: {namespace: path}``; only blocks become visible."""
        found: dict[str, Unit | None] = {}
        for key, node in self.entries(unit.root.get("imports"), "imports"):
            if not isinstance(node, nodes.Scalar) or not isinstance(node.value, str):
                self.problem("wrong-type", "an import must be the path of a file", node.place)
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
        if "\0" in node.text:
            raise rejected("unreadable-import", "no file has such a name", node.place)
        paths = self.files.import_paths(unit.file, node.text)
        failed: OSError | None = None
        for path in paths:
            if not self.files.is_allowed(path):
                continue
            file = self.files.identity(path)
            self.require_no_ring(path, file, node)
            if file in self.units:
                return self.units[file]
            try:
                content = self.files.read(path)
            except OSError as error:
                failed = failed or error
                continue
            if too_many := self.too_many():
                self.report_too_deep(node.place, too_many)
                return None
            self.units[file] = None
            self.units[file] = self.load(path, content)
            return self.units[file]
        raise rejected("unreadable-import", self.no_import(node.text, paths[0], failed), node.place)

    def require_no_ring(self, path: str, file: str, node: nodes.Scalar) -> None:
        """Rejects the import of a file that is being read; ``file`` is its identity."""
        ring = [self.files.identity(each) for each in self.loading]
        if file in ring:
            shown = " → ".join([*self.loading[ring.index(file) :], path])
            raise rejected("import-cycle", f"imports form a cycle: {shown}", node.place)

    def too_many(self) -> str:
        """Why no further file is imported; empty if one may be."""
        if len(self.loading) > MOST_NESTED_IMPORTS:
            return f"imports are nested deeper than {MOST_NESTED_IMPORTS} levels"
        if len(self.units) >= MOST_IMPORTS:
            return f"more than {MOST_IMPORTS} files are imported"
        return ""

    def no_import(self, name: str, near: str, failed: OSError | None) -> str:
        """Why a file cannot be imported."""
        if not self.files.is_allowed(near):
            link = self.files.refusal(near)
            return link or f"'{name}' lies outside the project's folder {self.files.root}"
        if failed is None or isinstance(failed, FileNotFoundError):
            return f"no file '{name}' beside this one or among the built-in blocks"
        return f"'{name}' cannot be imported: {reason(failed)}"

    def load(self, path: str, content: bytes | str) -> Unit | None:
        """Reads an imported file and gives its params their defaults."""
        unit = self.parse(path, content)
        if unit is not None:
            self.bind(unit, {}, {})
        return unit

    # --- blocks -------------------------------------------------------------------------------

    def read_blocks(self, unit: Unit) -> None:
        """Reads all block headers first, so that a block can call one that is defined below it."""
        outer = unit.names
        bodies: list[tuple[Block, nodes.Node | None]] = []
        for key, node in self.entries(unit.root.get("blocks"), "blocks"):
            block = Block(key.text, key.place, unit)
            unit.blocks[key.text] = block
            if not _is_pascal_case(key.text):
                message = f"the name of block '{key.text}' must begin with a capital letter"
                word = "".join(part[:1].upper() + part[1:] for part in key.text.split("_"))
                advice = f"rename it to '{word}', here and where it is called"
                self.problem("wrong-type", message, key.place, advice)
            bodies.append((block, self.read_block_head(block, node, outer)))
        for block, body in bodies:
            current().spend(1 + len(outer) // 32, "names in blocks")
            refs = {p.name for p in block.params.values() if p.kind in ("ref", "refs")}
            single = {name for name in refs if block.params[name].kind == "ref"}
            names = outer | {n for n in block.params if n not in single} | {CHANNELS} | OF_BLOCK
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
                advice = key_advice(key.text, BLOCK_KEYS)
                message = f"unknown key '{key.text}' in block '{block.name}'"
                self.problem("unknown-key", message, key.place, advice)
        has_layers = "layers" in node.keys
        if not has_layers and node.whole and not any(map(_may_be_layers, node.keys)):
            self.problem("missing-key", f"block '{block.name}' has no 'layers'", block.place)
        given = {CHANNELS} | SIZES | OF_BLOCK
        block.params = self.read_declarations(node.get("params"), outer | given)
        for param in block.params.values():
            if param.source is not None:
                message = f"param '{param.name}' of a block cannot come from a file"
                advice = "give the file's params a 'from', and the block that param"
                self.problem("unknown-key", message, param.source[0].place, advice)
        return node.get("layers")

    def check_cycles(self, unit: Unit) -> None:
        """Reports blocks that call themselves, directly or through others, and breaks the cycle."""
        open_, done = list[Block](), set[Block]()

        def visit(block: Block) -> None:
            open_.append(block)
            for callee, item in list(block.calls):
                place = item.place
                if len(open_) > MOST_NESTED:
                    self.report_too_deep(
                        place, f"blocks are nested deeper than {MOST_NESTED} levels"
                    )
                    _break_calls(block.body, callee)
                elif callee in open_ and item.condition is not None:
                    continue  # it ends as soon as the 'if' is false, see expand/blocks.py
                elif callee in open_:
                    ring = [b.name for b in open_[open_.index(callee) :]]
                    through = f" through {' → '.join(ring[1:])}" if ring[1:] else ""
                    message = f"block '{callee.name}' calls itself{through}"
                    self.problem("block-cycle", message, place, _FALLING)
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
        names = unit.names | {CHANNELS}
        return Items(unit, self.report, input_names | {"prev"}).read_items(node, names)


def _may_be_layers(key: str) -> bool:
    """Whether 'layers' is meant by a misspelt key, which is reported already."""
    return meant_key(key, TOP_KEYS) == "layers"


_OF_VARIANTS = f"a variant sets params, {', '.join(OF_VARIANT[:-1])} and {OF_VARIANT[-1]}"
_FALLING = (
    "a call of itself needs an 'if', and an int param that falls: {Down: {n: n - 1}, if: n > 1}"
)


def _is_pascal_case(name: str) -> bool:
    return name[:1].isupper() and name.isidentifier()


def _break_calls(items: list[Item], block: Block) -> None:
    """Makes the calls that close a cycle harmless."""
    for item in items:
        if item.block is block:
            item.kind, item.block = "broken", None
        for part in (item.body, item.shortcut, item.branches):
            _break_calls(part, block)
