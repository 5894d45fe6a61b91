"""Files that are small, and would take for ever or fill the memory: each ends soon, in words.

A row is a name, a command, and the files of a folder. Most grow along one axis up to what a file
may hold; what they have in common is that something behind them once grew faster than the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from confined import confined, require_calm

NETWORK = "n.convcalc.yaml"
CONV = "- {conv: {out: 8, k: 3, p: 1}}\n"
HEAD = "convcalc: 1\nname: n\n"
EXPLAIN, SHOW, RF = f"explain {NETWORK}", f"show {NETWORK}", f"rf {NETWORK}"
JSON, GET = f"show {NETWORK} -f json", f"get totals.params {NETWORK}"
PIN, DIFF = f"pin --diff {NETWORK}", f"diff {NETWORK} {NETWORK}"


class Bomb(NamedTuple):
    """A command in a folder of files; ``files`` makes them, by path."""

    name: str
    command: str
    files: Callable[[], Mapping[str, str]]


def net(layers: str, extra: str = "", head: str = "input: [8, 32, 32]") -> Mapping[str, str]:
    """A folder of one network."""
    return {NETWORK: f"{HEAD}{head}\n{extra}layers:\n{layers}"}


def lines(count: int, line: str, start: int = 0) -> str:
    """Lines that differ in their number, ``#``, and may name the one before, ``<``."""
    numbers = range(start, start + count)
    return "".join(f"{line.replace('#', str(n)).replace('<', str(n - 1))}\n" for n in numbers)


def listed(count: int, word: str = "#", start: int = 0) -> str:
    """Words in a row that differ in their number."""
    return ", ".join(word.replace("#", str(n)) for n in range(start, start + count))


def doubled(count: int) -> str:
    """Params that are lists of twice the list before."""
    return f"params:\n  p0: [1, 1]\n{lines(count, '  p#: [p<, p<]', 1)}"


def variants(count: int) -> str:
    """A param and variants that set it."""
    return f"params: {{w: 1}}\nvariants:\n{lines(count, '  v#: {w: #}')}"


# --- texts ---------------------------------------------------------------------------------------

TEXTS = [
    ("nested-brackets", lambda: {NETWORK: "[" * 100_000}),
    ("nested-dashes", lambda: {NETWORK: "- " * 100_000}),
    ("nested-mappings", lambda: {NETWORK: "{a: " * 60_000}),
    ("nested-sequences", lambda: net("- " + "{seq: [" * 40 + "relu" + "]}" * 40 + "\n")),
    ("nested-too-deeply", lambda: net("- " + "{seq: [" * 200 + "relu" + "]}" * 200 + "\n")),
    ("laughs", lambda: {NETWORK: "a0: &a0 [x]\n" + lines(40, "a#: &a# [*a<, *a<]", 1)}),
    ("merge-keys", lambda: {NETWORK: "a0: &a0 {x: 1}\n" + lines(4000, "a#: &a# {<<: *a<}", 1)}),
    ("many-keys", lambda: {NETWORK: lines(30_000, "k#: 1")}),
    ("same-key", lambda: net(CONV, "note: a\n" * 20_000)),
    ("long-scalar", lambda: net(CONV, f"note: {'a' * 250_000}\n")),
    ("long-quoted-scalar", lambda: net(CONV, f'note: "{chr(92)}t{"a" * 240_000}"\n')),
    ("long-id", lambda: net(f"- {{relu: {{}}, id: {'a' * 200_000}, repeat: 20000}}\n")),
    ("long-block-name", lambda: net("- {B: {}, repeat: 9}\n", f"blocks:\n  {'B' * 200_000}: 1\n")),
    ("long-number", lambda: net(f"- {{conv: {{out: {'9' * 200_000}, k: 1}}}}\n")),
    ("long-exponent", lambda: net(f"- {{conv: {{out: 1e{'9' * 200_000}, k: 1}}}}\n")),
    ("flow-of-words", lambda: {NETWORK: "a: {" + listed(40_000, "a#") + "}\n"}),
    ("flow-on-one-line", lambda: net(f"- concat: [{listed(30_000, 'prev')}]\n")),
    ("tabs", lambda: net(CONV + "\t" * 200_000)),
    ("empty-lines", lambda: net(CONV + "\n" * 250_000)),
    ("comment-of-blanks", lambda: net(CONV + "#" + " " * 200_000 + "convcalc: ignor\n")),
    ("comment-of-comments", lambda: net(CONV + "# convcalc:" * 20_000 + "\n")),
    ("documents", lambda: {NETWORK: "---\n" * 60_000}),
    ("directives", lambda: {NETWORK: "%TAG ! a\n" * 20_000}),
    ("not-utf-8", lambda: {NETWORK: "é" * 130_000}),
]

# --- values --------------------------------------------------------------------------------------

VALUES = [
    ("doubled-lists", lambda: net(CONV, doubled(40))),
    ("doubled-list-as-field", lambda: net("- {conv: {out: p25, k: 1}}\n", doubled(26))),
    ("doubled-list-in-loop", lambda: net("- {relu: {}, repeat: len(p18)*9**5}\n", doubled(19))),
    ("doubled-list-as-param", lambda: net("- {B: {x: p16}, repeat: 50000}\n", doubled(17) + LIST)),
    ("doubled-list-as-input", lambda: net(CONV, doubled(30), "input: p29")),
    ("powers", lambda: net("- {conv: {out: 2**10**9, k: 1}}\n")),
    ("tower-of-powers", lambda: net("- {conv: {out: 9**9**9**9, k: 1}}\n")),
    ("nested-parentheses", lambda: net(f"- {{conv: {{out: {'(' * 90}1{')' * 90}, k: 1}}}}\n")),
    ("nested-minus", lambda: net(f"- {{conv: {{out: {'-' * 190}1, k: 1}}}}\n")),
    ("long-expression", lambda: net(f"- {{conv: {{out: {'1+' * 90_000}1, k: 1}}}}\n")),
    ("sum-in-loop", lambda: net("- {relu: {}, repeat: 20000, in: sum(xs)}\n", numbers(10_000))),
    ("max-in-params", lambda: net(CONV, numbers(9000) + lines(9000, "  q#: max(xs)"))),
    ("chain-of-params", lambda: net(CONV, f"params:\n  p0: 1\n{lines(9000, '  p#: p<+1', 1)}")),
    ("params-in-loop", lambda: net("- {relu: {}, repeat: 150000}\n", params(9000))),
    ("params-in-blocks", lambda: net(lines(4000, "- {B: {}, id: b#}"), params(5000) + BLOCK)),
    ("pinned-exponent", lambda: with_end("expect: {n: {params: 1e99999999M}}\n")),
    ("pinned-digits", lambda: with_end(f"expect: {{n: {{params: {'9' * 200_000}M}}}}\n")),
    ("pinned-params", lambda: with_end(f"expect:\n{lines(5000, '  v#: {params: w*2}')}", 5000)),
    ("pinned-strangers", lambda: with_end(f"expect:\n{lines(9000, '  v#: {params: 1}')}")),
    ("budget-of-an-exponent", lambda: with_end("budgets: {params: {max: 1e99999999M}}\n")),
    ("budget-at-many", lambda: with_end(f"budgets:\n  params:\n{lines(5000, BUDGET_AT)}")),
    ("budget-of-many-bounds", lambda: with_end(f"budgets:\n  params:\n{lines(9000, BUDGET)}")),
]
LIST = "blocks:\n  B: {params: {x: list}, layers: [relu]}\n"
BLOCK = "blocks:\n  B: {layers: [relu]}\n"
BUDGET, BUDGET_AT = "  - {max: #}", "  - {max: #, at: c#}"


def numbers(count: int) -> str:
    """A param that is a long list of ones."""
    return f"params:\n  xs: [{listed(count, '1')}]\n"


def params(count: int) -> str:
    """Many params."""
    return f"params:\n{lines(count, '  p#: #')}"


def with_end(end: str, count: int = 1) -> Mapping[str, str]:
    """A network of one layer with variants, and what stands below its layers."""
    return {NETWORK: net(CONV, variants(count))[NETWORK] + end}


# --- layers --------------------------------------------------------------------------------------

LAYERS = [
    ("endless-repeat", lambda: net("- {relu: {}, repeat: 10**18}\n")),
    ("longest-repeat", lambda: net("- {relu: {}, repeat: 199999}\n")),
    ("loops-in-loops", lambda: net("- " + "{seq: [" * 9 + "relu" + "], repeat: 99}" * 9 + "\n")),
    ("empty-loops", lambda: net("- " + "{seq: [" * 9 + EMPTY + "], repeat: 99}" * 9 + "\n")),
    ("loop-of-a-list", lambda: net(f"- {{relu: {{}}, for: {{c: [{listed(40_000)}]}}}}\n")),
    ("blocks-twice", lambda: net("- B59: {}\n", blocks("relu", 60))),
    ("empty-blocks-twice", lambda: net("- B59: {}\n", blocks(EMPTY, 60))),
    ("chain-of-blocks", lambda: net("- B4999: {}\n", chain_of_blocks(5000))),
    ("ring-of-blocks", lambda: net("- B0: {}\n", ring_of_blocks(4000))),
    ("from-the-same", lambda: net("- {relu: {}, id: a}\n" + lines(5000, FROM_A))),
    ("branches", lambda: net("- branches:\n" + "  - relu\n" * 20_000)),
    ("branches-of-a-loop", lambda: net(f"- branches: {ATROUS}\n", rates(10_000))),
    ("branches-that-split", lambda: net(split("channels"), head="input: [5000, 32, 32]")),
    ("branches-that-split-so", lambda: net(split(f"[{listed(5000, '1')}]"), head=WIDE)),
    ("concat-of-many", lambda: net(many("concat"))),
    ("add-of-many", lambda: net(many("add"))),
    ("concat-in-loop", lambda: net(many("concat", 3000, ", repeat: 3000"))),
    ("dense", lambda: net("- {conv: {out: 1, k: 3}, id: a0}\n" + "".join(dense(220)))),
    ("doubled-channels", lambda: net(CONV + "- concat: [prev, prev]\n" * 5000)),
    ("doubled-sums", lambda: net(CONV + "- add: [prev, prev]\n" * 9000)),
    ("many-inputs", lambda: net(f"- concat: [{listed(5000, 'x#')}]\n", "", inputs(5000))),
    ("chain-of-inputs", lambda: net(lines(4000, "- add: [x0, x#]"), "", inputs(4000))),
    ("many-outputs", lambda: outputs("a#")),
    ("unknown-outputs", lambda: outputs("b#")),
    ("weights-of-one", lambda: net(SHARED_A + lines(3000, SHARES_A))),
    ("weights-of-many", lambda: net(SHARED + lines(19, SHARES, 1))),
]
EMPTY = "{relu: {}, if: false}"
ATROUS = "{for: {r: rs}, layers: [{conv: {out: 1, k: 3, p: r, d: r}}]}"
WIDE = "input: [5000, 32, 32]"
FROM_A = "- {relu: {}, id: b#, from: a}"
SHARED_A = "- {conv: {out: 8, k: 3, p: 1}, id: a}\n"
SHARES_A = "- {conv: {out: 8, k: 3, p: 1}, share: a}"
SHARED = "- {seq: [{conv: {out: 8, k: 1}, repeat: 9000}], id: a0}\n"
SHARES = "- {seq: [{conv: {out: 8, k: 1}, repeat: 9000}], id: a#, share: a<}"


def blocks(layer: str, count: int) -> str:
    """Blocks that each call the one before twice."""
    twice = "  B#: {layers: [{B<: {}}, {B<: {}}]}"
    return f"blocks:\n  B0: {{layers: [{layer}]}}\n{lines(count - 1, twice, 1)}"


def chain_of_blocks(count: int) -> str:
    """Blocks that each call the one before."""
    return f"blocks:\n  B0: {{layers: [relu]}}\n{lines(count - 1, '  B#: {layers: [B<]}', 1)}"


def ring_of_blocks(count: int) -> str:
    """Blocks that each call the one before, and the first the last."""
    return (
        f"blocks:\n  B0: {{layers: [B{count - 1}]}}\n{lines(count - 1, '  B#: {layers: [B<]}', 1)}"
    )


def rates(count: int) -> str:
    """A param that is a list of dilations."""
    return f"params: {{rs: [{listed(count, start=1)}]}}\n"


def split(how: str) -> str:
    """Five thousand branches, each of some channels."""
    return "- branches:\n" + "  - {conv: {out: 1, k: 3}}\n" * 5000 + f"  split: {how}\n"


def many(join: str, count: int = 4000, more: str = "") -> str:
    """Layers that all read one, and one that reads them all."""
    ids = listed(count, "b#")
    return f"- {{relu: {{}}, id: a}}\n{lines(count, FROM_A)}- {{{join}: [{ids}]{more}}}\n"


def dense(count: int) -> Iterator[str]:
    """Layers that each read all before them."""
    for n in range(1, count):
        yield f"- concat: [{listed(n, 'a#')}]\n- {{conv: {{out: 1, k: 3, p: 1}}, id: a{n}}}\n"


def inputs(count: int) -> str:
    """Many inputs."""
    return f"inputs:\n{lines(count, '  x#: [8, 32, 32]')}"


def outputs(names: str) -> Mapping[str, str]:
    """A network that returns as many tensors as it has layers."""
    layers = lines(4000, "- {relu: {}, id: a#}")
    return {NETWORK: net(layers)[NETWORK] + f"outputs: [{listed(4000, names)}]\n"}


# --- variants and problems -----------------------------------------------------------------------

MANY = [
    ("variants", lambda: net(CONV, variants(9000))),
    ("variants-of-many-layers", lambda: net(CONV * 3000, variants(1000))),
    ("variants-of-a-loop", lambda: net("- {relu: {}, repeat: 100000}\n", variants(1000))),
    ("variants-with-pins", lambda: with_end(f"expect:\n{lines(5000, PINNED)}", 5000)),
    ("unknown-operators", lambda: net(lines(6000, "- {convv#: {out: 8}}"))),
    ("unknown-fields", lambda: net(lines(4000, "- {conv: {out: 8, kernal_size: #}}"))),
    ("unknown-ids", lambda: net(lines(5000, "- {relu: {}, id: layer_#, from: layr_#}"))),
    ("unknown-names", lambda: net(lines(4000, "- {conv: {out: width_#}}"), names(4000))),
    ("unknown-params", lambda: net(CONV, names(4000) + f"variants:\n  v:\n{WIDTHS}")),
    ("unknown-blocks", lambda: net(lines(3000, "- Blok#: {}"), NAMED_BLOCKS)),
    ("unknown-keys", lambda: net(CONV, lines(9000, "layerz#: 1"))),
    ("unknown-long-words", lambda: net(lines(40, f"- {{{'c' * 5000}#: {{out: 8}}}}"))),
    ("same-ids", lambda: net("- {relu: {}, id: a}\n" * 5000)),
    ("wrong-shapes", lambda: net("- {conv: {out: 8, k: 3, g: 3}, from: input}\n" * 4000)),
    ("wrong-in-a-loop", lambda: net("- {relu: {}, in: 9, repeat: 100000}\n")),
    ("ignored-codes", lambda: net(CONV + f"- relu # convcalc: ignore[{'CC201,' * 38_000}]\n")),
    ("ignored-unknown-codes", lambda: net(CONV + lines(6000, "- relu # convcalc: ignore[CC2#]"))),
    ("ignored-lines", lambda: net(CONV + "# convcalc: ignore[CC201]\n- relu\n" * 5000)),
    ("ignored-by-many", lambda: net(CONV + "# convcalc: ignore[CC201]\n" * 9000 + CONV)),
    ("ignored-in-file", lambda: net(CONV + "# convcalc: ignore-file[CC204]\n" * 5000 + STRIDED)),
    ("findings", lambda: net(STRIDED)),
    ("dead-layers", lambda: net("- {relu: {}, id: a}\n" + lines(4000, FROM_A) + CONV)),
]
PINNED = "  v#: {params: #, macs: 1, output: [8, 32, 32]}"
WIDTHS = lines(4000, "    width_#: #")
NAMED_BLOCKS = f"blocks:\n{lines(3000, '  Block#: {layers: [relu]}')}"
STRIDED = "- {conv: {out: 8, k: 1, s: 2}, from: input}\n" * 3000


def names(count: int) -> str:
    """Params whose names are almost those that are used."""
    return f"params:\n{lines(count, '  wdth_#: #')}"


# --- receptive fields ----------------------------------------------------------------------------

FIELDS = [
    ("dilated-residuals", lambda: net(lines(3000, DILATED, 1))),
    ("dilated-residuals-in-a-loop", lambda: net(f"- residual:\n  - {BY_INDEX}\n  repeat: 9000\n")),
    ("far-dilated-residuals", lambda: net(lines(3000, DILATED.replace("#", "#000"), 1))),
    ("dilated-chain", lambda: net(lines(5000, "- {conv: {out: 8, k: 3, p: #, d: #}}", 1))),
    ("far-dilated-chain", lambda: net(lines(4000, FAR, 1048576))),
    ("large-kernels", lambda: net((LARGE_2 + LARGE_3) * 500, head="input: [8, 100000000]")),
    ("large-pools", lambda: net("- {max_pool: {k: 4096, s: 2}}\n" * 5000, head=LINE)),
    ("phases", lambda: net("".join(map(UP.format, PRIMES, PRIMES[1:])), head=NOT_KNOWN)),
    ("phases-of-branches", lambda: net(f"- branches:\n{PHASED}  join: add\n", head=NOT_KNOWN)),
    ("up-and-down", lambda: net(f"- {{{DOWN}, repeat: 60}}\n- {{{UP_2}, repeat: 60}}\n", "", ANY)),
    ("shuffled-groups", lambda: net(SHUFFLED * 1500, head="input: [720, 32, 32]")),
    ("wide-groups", lambda: net(GROUPED * 4000, head="input: [4096, 32, 32]")),
    ("widest-channels", lambda: net(DEPTHWISE * 4000, head="input: [65536, 8, 8]")),
    ("channels-one-by-one", lambda: net(SLICES + f"- concat: [{listed(3000, 's#')}]\n")),
    ("gates", lambda: net(lines(3000, GATE))),
]
DILATED = "- residual:\n  - {conv: {out: 8, k: 3, p: #, d: #}}"
BY_INDEX = "{conv: {out: 8, k: 3, p: i+1, d: i+1}}"
FAR = "- {conv: {out: 8, k: 3, p: #, d: #}}"
LARGE_2 = "- {conv: {out: 8, k: 1000001, p: 1000000, d: 2}}\n"
LARGE_3 = "- {conv: {out: 8, k: 1000001, p: 1500000, d: 3}}\n"
LINE = "input: [8, 1000000000000000]"
PRIMES = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]
UP = "- {{conv: {{out: 8, k: {0}, s: {0}}}}}\n- {{conv_transpose: {{out: 8, k: {1}, s: {1}}}}}\n"
NOT_KNOWN = "input: [8, null, null]"
ANY = "input: [8, null, null]"
PHASED = lines(
    200,
    "  - [{conv: {out: 8, k: 3, p: 1, d: #}}, {upsample: {scale: 64}}, {conv: {out: 8, k: 3}}]",
    1,
)
DOWN, UP_2 = "conv: {out: 8, k: 3, p: 1, s: 2}", "conv_transpose: {out: 8, k: 2, s: 2}"
SHUFFLED = "- {conv: {out: 720, k: 3, p: 1, g: 8}}\n- {channel_shuffle: {groups: 9}}\n"
GROUPED = "- {conv: {out: 4096, k: 1, g: 2}}\n"
DEPTHWISE = "- {depthwise_conv: {k: 3, p: 1}}\n"
SLICES = "- {conv: {out: 4000, k: 3, p: 1}, id: a}\n" + lines(
    3000, "- {channel_slice: {start: #, stop: 3999}, from: a, id: s#}"
)
GATE = "- {relu: {}, id: r#}\n- {global_avg_pool: {}, id: g#}\n- {mul: [r#, g#]}"

# --- other files ---------------------------------------------------------------------------------

FOLDERS = [
    ("imports", lambda: {**net(CONV, f"imports:\n{lines(2000, IMPORT)}"), **library(2000)}),
    ("chain-of-imports", lambda: {**net(CONV, f"imports:\n{IMPORT_0}"), **chain(300)}),
    ("fan-of-imports", lambda: {**net(CONV, f"imports:\n{IMPORT_0}"), **fan(30)}),
    ("large-imports", lambda: {**net(CONV, f"imports:\n{lines(60, IMPORT)}"), **library(60, 9000)}),
    ("stars-to-ignore", lambda: {**net(CONV), ".gitignore": "*a" * 100 + "b\n"}),
    ("many-to-ignore", lambda: {**net(CONV), ".gitignore": lines(100_000, "a#")}),
    ("many-stars-to-ignore", lambda: {**net(CONV), ".gitignore": lines(50_000, "*a*#*")}),
    ("folders-to-ignore", lambda: {**net(CONV), ".gitignore": "**/a/" * 200 + "b\n" * 99}),
    ("excluded", lambda: {**net(CONV), "convcalc.toml": f"exclude = [{STARS}]\n"}),
    ("dotted-key", lambda: {**net(CONV), "convcalc.toml": "a." * 100_000 + "b = 1\n"}),
    ("nested-settings", lambda: {**net(CONV), "convcalc.toml": "a = " + "[" * 100_000}),
    ("raised-limits", lambda: {**net(CONV), "convcalc.toml": "[limits]\nlayers = 1000000000\n"}),
    ("budgets-everywhere", lambda: {**net(CONV), BUDGETS: repository("/**/*", 1)}),
    ("budgets-above", lambda: {**net(CONV), BUDGETS: repository("../../**/*", 1)}),
    ("many-budgets", lambda: {**net(CONV), BUDGETS: repository("n.convcalc.yaml", 3000)}),
    ("many-patterns", lambda: {**net(CONV), BUDGETS: repository("**/*a#*.yaml", 3000)}),
    ("stars-of-budgets", lambda: {**net(CONV), BUDGETS: repository("*a" * 90, 1)}),
    ("many-files", lambda: {f"f{n}.convcalc.yaml": net(CONV)[NETWORK] for n in range(300)}),
    ("many-heavy-files", lambda: {f"f{n}.convcalc.yaml": HEAVY for n in range(2)}),
]
IMPORT, IMPORT_0 = "  f#: f#.yaml", "  f0: f0.yaml\n"
STARS = ", ".join(f'"{"*a" * 40}{n}"' for n in range(100))
BUDGETS = "convcalc.budgets.yaml"
HEAVY = net(CONV, doubled(40))[NETWORK]


def library(count: int, length: int = 1) -> Mapping[str, str]:
    """Files that define blocks."""
    text = f"convcalc: 1\nblocks:\n{lines(length, '  B#: {layers: [relu]}')}"
    return {f"f{n}.yaml": text for n in range(count)}


def chain(count: int) -> Mapping[str, str]:
    """Files that each import the next."""
    line = "convcalc: 1\nimports: {{f: f{}.yaml}}\n"
    return {f"f{n}.yaml": line.format(n + 1) for n in range(count)}


def fan(count: int) -> Mapping[str, str]:
    """Files that each import the next one, many times."""
    return {
        f"f{n}.yaml": "convcalc: 1\nimports:\n"
        + "".join(f"  g{k}: f{n + 1}.yaml\n" for k in range(300))
        for n in range(count)
    }


def repository(pattern: str, count: int) -> str:
    """A file of budgets."""
    one = f'  - {{name: b#, models: ["{pattern}"], params: {{max: 1}}}}'
    return f"convcalc: 1\nbudgets:\n{lines(count, one)}"


# --- other commands ------------------------------------------------------------------------------

COMMANDS = [
    Bomb("show-many-layers", SHOW, lambda: net("- {relu: {}, repeat: 150000}\n")),
    Bomb("show-branches", SHOW, lambda: net("- branches:\n" + "  - relu\n" * 20_000)),
    Bomb("show-memory", f"{SHOW} --memory training", lambda: net("- {relu: {}, repeat: 50000}\n")),
    Bomb("show-convention", f"{SHOW} --convention thop", lambda: net(CONV * 5000)),
    Bomb("json-many-layers", JSON, lambda: net("- {relu: {}, repeat: 150000}\n")),
    Bomb("rf-dilated-residuals", RF, lambda: net(lines(1000, DILATED, 1))),
    Bomb("rf-branches", RF, lambda: net(f"- branches: {ATROUS}\n", rates(2000))),
    Bomb("rf-phases", RF, lambda: net(f"- {{upsample: {{scale: 64}}}}\n{LONG_CHAIN}")),
    Bomb("rf-most-phases", RF, lambda: net(f"- {{upsample: {{scale: 4093}}}}\n{LONG_CHAIN}")),
    Bomb("rf-wide-windows", RF, lambda: net(f"- {{upsample: {{scale: 64}}}}\n{WIDE}")),
    Bomb("rf-holes-of-phases", RF, lambda: net(f"- {{upsample: {{scale: 2}}}}\n{HOLES}")),
    Bomb("rf-coprime-sizes", RF, lambda: net("".join(map(RESIZED.format, SIZES * 50)))),
    Bomb("rf-up-and-down", RF, lambda: net(f"- {{{UP_63}, repeat: 9}}\n{LONG_CHAIN}")),
    Bomb("rf-branches-of-phases", RF, lambda: net(OFFSETS, f"params: {{os: [{OFFS}]}}\n")),
    Bomb("rf-residuals-of-phases", RF, lambda: net(f"- {{upsample: {{scale: 256}}}}\n{RESIDUALS}")),
    Bomb("rf-drifting", RF, lambda: net(DRIFTING + LONG_CHAIN, head="input: [8, 65536]")),
    Bomb("show-drifting", SHOW, lambda: net(DRIFTING + LONG_CHAIN, head="input: [8, 65536]")),
    Bomb("rf-inputs-of-phases", RF, lambda: net(f"{JOINED}{LONG_CHAIN}", head=INPUTS)),
    Bomb("rf-many-layers", RF, lambda: net("- {conv: {out: 8, k: 3, p: 1}, repeat: 99999}\n")),
    Bomb("rf-stack", "rf --stack s=1000003,1000003,1000003 -f json", dict),
    Bomb("rf-stack-of-dilations", "rf --stack k=99,99,99,99;d=1,99,9801,970299 -f json", dict),
    Bomb("explain-many-layers", EXPLAIN, lambda: net("- {relu: {}, repeat: 50000}\n")),
    Bomb("explain-layers", f"{EXPLAIN} --layers", lambda: net(CONV * 5000)),
    Bomb("pin-variants", PIN, lambda: net(CONV, variants(3000))),
    Bomb("pin-many-layers", PIN, lambda: net("- {relu: {}, repeat: 150000}\n")),
    Bomb("diff-variants", "diff a b", lambda: two(net(CONV, variants(1500))[NETWORK])),
    Bomb("diff-many-layers", DIFF, lambda: net("- {relu: {}, repeat: 50000}\n")),
    Bomb("get-many-layers", GET, lambda: net("- {relu: {}, repeat: 190000}\n")),
    Bomb("get-doubled-lists", GET, lambda: net(CONV, doubled(40))),
    Bomb("set-an-exponent", f"{GET} --set w=9**9**9**9", lambda: net(CONV, variants(1))),
    Bomb("set-a-long-text", f"{GET} --set w={'1+' * 20_000}1", lambda: net(CONV, variants(1))),
]

LONG_CHAIN = "- {conv: {out: 8, k: 3, p: 1}, repeat: 9000}\n"
WIDE = "- {conv: {out: 8, k: 101, p: 350, d: 7}, repeat: 9000}\n"
HOLES = "- {conv: {out: 8, k: 3, p: 5, d: 5}, repeat: 20000}\n"
RESIZED, SIZES = "- {{upsample: {{size: [{0}, {0}]}}}}\n", [4093, 4091, 4079, 33, 4073]
UP_63 = "seq: [{upsample: {scale: 63}}, {avg_pool: {k: 3, s: 64, p: 1}}]"
OFFS = listed(400, start=1)
OFFSETS = """- {upsample: {scale: 1024}}
- branches: {for: {o: os}, layers: [{conv: {out: 8, k: 3, p: o, d: o}}]}
  join: add
"""
RESIDUALS = "- {residual: [{conv: {out: 8, k: 3, p: 1}}], repeat: 3000}\n"
DRIFTS = """- {max_pool: {k: #, s: #}, from: input}
- {slice: {axis: length, stop: 4096}, id: s#}"""
DRIFTING = f"{lines(15, DRIFTS, 1)}- {{add: {{}}, from: [{listed(15, 's#', 1)}]}}\n"
INPUTS = f"inputs:\n{lines(300, '  i#: [1, 8, 8]')}"
JOINED = f"- concat: [{listed(300, 'i#')}]\n- {{upsample: {{scale: 16}}}}\n"


def two(text: str) -> Mapping[str, str]:
    """Two folders with a network that differs a little."""
    return {f"a/{NETWORK}": text, f"b/{NETWORK}": text.replace("out: 8", "out: 9")}


CHECKED = [*TEXTS, *VALUES, *LAYERS, *MANY, *FIELDS, *FOLDERS]
BOMBS = [*(Bomb(name, "check", files) for name, files in CHECKED), *COMMANDS]


@pytest.mark.exhaustive
@pytest.mark.parametrize("bomb", BOMBS, ids=[bomb.name for bomb in BOMBS])
def test_a_bomb_ends_soon(bomb: Bomb, tmp_path: Path) -> None:
    for name, text in bomb.files().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    require_calm(confined(bomb.command.split(), tmp_path))
