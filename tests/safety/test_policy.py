"""A pull request cannot weaken what it is held to without that being a finding.

One repository holds all that the rows begin with, each a revision. A row is what a pull request
changes, and what ``check --policy`` finds in that.
"""

# ruff: noqa: E501
# fmt: off
# a row is a line

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from command import Command
from gitrepo import APART, IDENTITY

from convcalc.cli import main
from convcalc.language.sources import repository as sources

Tree = Mapping[str, str]

NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
params: {w: 8, most: 4000}
variants: {wide: {w: 16}}
layers:
- {conv: {out: w, k: 3, bias: false}, id: stem}
- relu
- {conv: {out: 16, k: 3, bias: false}, id: body}
- relu
- {conv: {out: 8, k: 1, s: 2, bias: false}, id: cut}  # convcalc: ignore[CC204] as published
- global_avg_pool
- {linear: {out: 10}, id: head}
expect:
  net: {params: 1586, output: [10], receptive_field: null}
  wide: {params: 2954}
budgets:
  params: {max: most}
  receptive_field: {min: 5, at: body}
"""
SMALL = "convcalc: 1\nname: small\ninput: [3, 8, 8]\nlayers:\n- conv: {out: 8, k: 3}\n- relu\n"
FREE = SMALL.replace("small", "free")  # nothing holds it to anything
BUDGETS = """\
convcalc-budgets: 1
budgets:
- name: edge
  models: ["models/**/*.convcalc.yaml"]
  assert:
    params: {max: 5k, warn: 4k}
    macs: {max: 5M}
    receptive_field: {min: 3}
    memory: {max: 4MiB, dtype: float16}
- name: grow
  models: models/*.convcalc.yaml
  compare: {base: main}
  assert: {params: {max_increase: 2%, max_decrease: 500}}
- name: wide
  models: [models/net.convcalc.yaml]
  variants: [net, wide]
  inputs: [3x32x32, 3x16x16]
  rules: {CC204: error}
  assert: {macs: {max: 3M}, output: {equals: [10]}}
- name: sealed
  models: models/net.convcalc.yaml
  locked: true
  assert: {params: {max: 3k}, layers: {max: 9}}
"""
SETTINGS = """\
select = ["CC"]
ignore = ["CC207"]
severity = {CC203 = "error"}
exclude = ["old/", "!old/kept/"]
strict = true
[per-file-ignores]
"old/*" = ["CC2"]
[limits]
layers = 5000
"""
BASE: Tree = {
    "models/net.convcalc.yaml": NET,
    "models/deep/small.convcalc.yaml": SMALL,
    "other/free.convcalc.yaml": FREE,
    "convcalc.budgets.yaml": BUDGETS,
    "convcalc.toml": SETTINGS,
    ".gitignore": "build/\n",
    "README.md": "networks\n",
}
NETWORK, BUDGET, TOML = "models/net.convcalc.yaml", "convcalc.budgets.yaml", "convcalc.toml"
COMMENT = "  # convcalc: ignore[CC204] as published"
CUT = "- {conv: {out: 8, k: 1, s: 2, bias: false}, id: cut}"
LAST = "- {linear: {out: 10}, id: head}"
AGAIN = f"{CUT}{COMMENT}\n- relu\n{CUT.replace(', id: cut', '')}"
TWICE = {**BASE, NETWORK: NET.replace(f"{CUT}{COMMENT}", AGAIN).split("expect:")[0]}
HEAVY = NET.replace("out: 16, k: 3", "out: 64, k: 3")  # 5,426 and 10,154 params
PARTS = "convcalc: 1\nblocks:\n  Cut:\n    layers:\n    - conv: {out: 8, k: 1, s: 2}\n"
USES = "convcalc: 1\nname: own\ninput: [3, 8, 8]\nimports: {P: parts.yaml}\nlayers: [P.Cut, relu]\n"


def without(tree: Tree, *names: str) -> Tree:
    return {name: text for name, text in tree.items() if name not in names}


SHARED = {**without(BASE, TOML), "pyproject.toml": "[project]\nname = 'x'\n[tool.convcalc]\n"}
NO_FILES = without(BASE, TOML, BUDGET)
GROWS = {**BASE, NETWORK: NET + "  compare: {base: main}\n  macs: {max_increase: 1%}\n"}
AXES = {**BASE, BUDGET: BUDGETS.replace("receptive_field: {min: 3}", "jump: {max: [2, 2]}")}
PASSES = {**NO_FILES, BUDGET: "convcalc-budgets: 1\nbudgets:\n- name: grow\n  models: models/*.yaml\n  compare: {base: main, missing: pass}\n  assert: {params: {max_increase: 2%}}\n"}
CONFIG = {**NO_FILES, "ci/own.toml": "strict = true\n"}
EXCLUDES = {**NO_FILES, TOML: 'strict = true\nexclude = ["a/", "b/"]\n'}
MISSING = {**BASE, BUDGET: BUDGETS.replace("base: main", "base: main, missing: fail")}
IN_FILE = NET.replace("params: {max: most}", "locked: true\n  params: {max: most}")
SEALED = {**BASE, NETWORK: IN_FILE}
SAVED = {**BASE, BUDGET: BUDGETS.replace("base: main", "base: net.json"), "net.json": "REPORT"}


class Row(NamedTuple):
    """What a pull request changes, and the findings ``severity CC4.. file:line`` that this gives.

    ``changes`` are the new texts of files, None for one that is gone. ``also`` are other codes that
    are found: what the policy demands is not met.
    """

    name: str
    changes: Mapping[str, str | None]
    found: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    base: Tree = BASE
    options: str = ""


def edit(file: str, *pairs: str, base: Tree = BASE) -> dict[str, str]:
    """The change of one file: every second text stands in the place of the one before it."""
    text = base[file]
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert text.count(old) == 1, (old, text)
        text = text.replace(old, new)
    return {file: text}


def budgets(*pairs: str) -> dict[str, str]:
    return edit(BUDGET, *pairs)


def settings(*pairs: str) -> dict[str, str]:
    return edit(TOML, *pairs)


def network(*pairs: str) -> dict[str, str]:
    return edit(NETWORK, *pairs)


def moved(old: str, new: str, *pairs: str, base: Tree = BASE) -> dict[str, str | None]:
    """The change by which a file has another name, and perhaps another text."""
    (text,) = edit(old, *pairs, base=base).values()
    return {old: None, new: text}


def warned(code: int, *places: str) -> tuple[str, ...]:
    return tuple(f"warning CC{code} {place}" for place in places)


def refused(code: int, *places: str) -> tuple[str, ...]:
    return tuple(f"error CC{code} {place}" for place in places)


COMMENTS = (
    Row("at a line", network(CUT, f"- relu  # convcalc: ignore[CC206]\n{CUT}"), at := warned(401, f"{NETWORK}:11")),
    Row("above a line", network(CUT, f"# convcalc: ignore[CC307] x\n{CUT}"), at),
    Row("for the file", network("name: net", "# convcalc: ignore-file[CC306]\nname: net"), warned(401, f"{NETWORK}:2")),
    Row("one more code", network("ignore[CC204]", "ignore[CC204, CC307]"), at),
    Row("for the file, not for a line", network("ignore[CC204]", "ignore-file[CC204]"), at, ("CC204",)),
    Row("at another line", network(COMMENT, "", LAST, LAST + COMMENT), warned(401, f"{NETWORK}:13"), ("CC204",)),
    Row(
        "at another line of the same text",
        edit(NETWORK, AGAIN, AGAIN.replace(COMMENT, "") + COMMENT, base=TWICE),
        warned(401, f"{NETWORK}:13"),
        ("CC204", "CC301", "CC306"),  # twice as large as in main
        base=TWICE,
    ),
    Row("beside a bound", budgets("warn: 4k}", "warn: 4k}  # convcalc: ignore[CC301]"), warned(401, f"{BUDGET}:6")),
    Row(
        "in a new block",
        {"other/parts.yaml": PARTS.replace("s: 2}", "s: 2}  # convcalc: ignore[CC204]"), "other/own.convcalc.yaml": USES},
        warned(401, "other/parts.yaml:5"),
        ("CC204",),
    ),
    Row(
        "over growth",
        {NETWORK: "# convcalc: ignore-file[CC306, CC301, CC307, CC302]\n" + HEAVY},
        warned(401, f"{NETWORK}:1"),
        ("CC301", "CC301", "CC302", "CC306", "CC307"),
    ),
    Row("over a locked budget", network("name: net", "name: net  # convcalc: ignore-file[CC309]"), warned(401, f"{NETWORK}:2")),
)

SETTING = (
    Row("select", settings('["CC"]', '["CC1", "CC3"]'), warned(402, f"{TOML}:1")),
    Row("ignore", settings('["CC207"]', '["CC207", "CC306"]'), warned(402, f"{TOML}:2")),
    Row("all CC3", settings('["CC207"]', '["CC207", "CC3"]'), warned(402, f"{TOML}:2")),
    Row("a severity", settings('"error"}', '"error", CC301 = "warning"}'), warned(402, f"{TOML}:3")),
    Row("a severity that ignores", settings('"error"}', '"error", CC307 = "ignore"}'), warned(402, f"{TOML}:3")),
    Row("a severity that is gone", settings('CC203 = "error"', ""), warned(402, f"{TOML}:3")),
    Row("exclude", settings('["old/", ', '["old/", "models/", '), warned(402, f"{TOML}:4")),
    Row("exclude a network", settings('kept/"]', 'kept/", "net.convcalc.yaml"]'), warned(402, f"{TOML}:4")),
    Row("what exclude took back", settings(', "!old/kept/"', ""), warned(402, f"{TOML}:4")),
    Row("the order of exclude", settings('"old/", "!old/kept/"', '"!old/kept/", "old/"'), warned(402, f"{TOML}:4")),
    Row("strict", settings("strict = true\n", ""), warned(402, f"{TOML}:1")),
    Row("not strict", settings("strict = true", "strict = false"), warned(402, f"{TOML}:5")),
    Row("one variant", settings("strict", 'variant = "net"\nstrict'), warned(402, f"{TOML}:5")),
    Row("no variant", settings("strict", 'variant = "nosuch"\nstrict'), warned(402, f"{TOML}:5")),
    Row("ignored in files", settings('["CC2"]', '["CC2"]\n"models/*" = ["CC301"]'), warned(402, f"{TOML}:8")),
    Row("more ignored in files", settings('["CC2"]', '["CC2", "CC301"]'), warned(402, f"{TOML}:7")),
    Row("a limit", settings("5000", "6000"), warned(402, f"{TOML}:9")),
    Row("a limit that is gone", settings("layers = 5000", ""), warned(402, f"{TOML}:8")),
    Row("other budgets", {**settings("strict", 'budgets = "none.yaml"\nstrict'), "none.yaml": "convcalc-budgets: 1\nbudgets: []\n"}, (*warned(403, *["none.yaml:1"] * 3), *refused(403, "none.yaml:1"))),
    Row("a file deeper in the tree", {"models/convcalc.toml": ""}, warned(402, *["models/convcalc.toml:1"] * 3)),
    Row("settings of a package", {"models/pyproject.toml": "[tool.convcalc]\nselect = ['CC2']\n"}, warned(402, "models/pyproject.toml:1", *["models/pyproject.toml:2"] * 1, *["models/pyproject.toml:1"] * 2)),
    Row("a repository in the repository", {"models/.git": "gitdir: nowhere\n"}, (*warned(402, *["models/.git:1"] * 3), *refused(403, "models/.git:1"))),
    Row("no file any more", {TOML: None}, warned(402, *[f"{TOML}:1"] * 3)),
    Row("in pyproject.toml", edit("pyproject.toml", "convcalc]\n", "convcalc]\nignore = ['CC301']\n", base=SHARED), warned(402, "pyproject.toml:4"), base=SHARED),
    Row("the first file", {TOML: "ignore = ['CC301']\n"}, warned(402, f"{TOML}:1"), base=NO_FILES),
    Row("by --config", {"ci/own.toml": ""}, warned(402, "ci/own.toml:1"), base=CONFIG, options="--config ci/own.toml"),
    Row("git ignores it", {".gitignore": "build/\nmodels/\n"}, warned(405, ".gitignore:2")),
    Row("git ignores one", {"models/.gitignore": "net*\n"}, warned(405, "models/.gitignore:1")),
)

BOUNDS = (
    Row("max", budgets("max: 5k", "max: 9k"), warned(403, f"{BUDGET}:6")),
    Row("max, and the network with it", {**budgets("max: 5k", "max: 9k"), NETWORK: HEAVY.replace("1586", "5426").replace("2954", "10250")}, (*warned(403, f"{BUDGET}:6"), *warned(404, f"{NETWORK}:15", f"{NETWORK}:16")), ("CC301", "CC302", "CC306")),
    Row("warn", budgets("warn: 4k", "warn: 4.5k"), warned(403, f"{BUDGET}:6")),
    Row("warn is gone", budgets(", warn: 4k", ""), warned(403, f"{BUDGET}:6")),
    Row("max is gone", budgets("max: 5k, ", ""), warned(403, f"{BUDGET}:6")),
    Row("min", budgets("{min: 3}", "{min: 2}"), warned(403, f"{BUDGET}:8")),
    Row("a metric is gone", budgets("    macs: {max: 5M}\n", ""), warned(403, f"{BUDGET}:3")),
    Row("min in place of max", budgets("macs: {max: 5M}", "macs: {min: 5}"), warned(403, f"{BUDGET}:7")),
    Row("at a part only", budgets("{min: 3}", "{min: 3, input: input}"), warned(403, f"{BUDGET}:3"), ()),
    Row("another type", budgets("float16", "int8"), warned(403, f"{BUDGET}:3")),
    Row("an increase", budgets("2%", "3%"), warned(403, f"{BUDGET}:13")),
    Row("an increase in units", budgets("2%", "2k"), warned(403, f"{BUDGET}:13")),
    Row("a decrease", budgets("500", "501"), warned(403, f"{BUDGET}:13")),
    Row("a decrease is gone", budgets(", max_decrease: 500", ""), warned(403, f"{BUDGET}:13")),
    Row("another base", budgets("base: main", "base: HEAD"), warned(403, f"{BUDGET}:12")),
    Row("missing", edit(BUDGET, "missing: fail", "missing: pass", base=MISSING), warned(403, f"{BUDGET}:12"), base=MISSING),
    Row("missing, by default", budgets("base: main", "base: main, missing: pass"), warned(403, f"{BUDGET}:12")),
    Row("fewer models", budgets("models/**/*.convcalc", "models/*.convcalc"), warned(403, f"{BUDGET}:4", f"{BUDGET}:4")),
    Row("fewer models, now the same", budgets("models/*.convcalc", "models/net.convcalc"), warned(403, f"{BUDGET}:11")),
    Row("fewer variants", budgets("[net, wide]", "net"), warned(403, f"{BUDGET}:16")),
    Row("some variants", budgets("compare:", "variants: net\n  compare:"), warned(403, f"{BUDGET}:12")),
    Row("fewer inputs", budgets(", 3x16x16", ""), warned(403, f"{BUDGET}:17")),
    Row("other inputs", budgets("compare:", "inputs: 3x8x8\n  compare:"), warned(403, f"{BUDGET}:12")),
    Row("a shape", budgets("[10]", "[null]"), warned(403, f"{BUDGET}:19")),
    Row("rules of a budget", budgets("CC204: error", "CC204: warning, CC302: ignore"), warned(403, f"{BUDGET}:14", f"{BUDGET}:14")),
    Row("rules of a new budget", {BUDGET: BUDGETS + "- {name: new, models: models/*.yaml, rules: {CC302: ignore}}\n"}, warned(403, f"{BUDGET}:24")),
    Row("a budget is gone", {BUDGET: BUDGETS.replace(BUDGETS[BUDGETS.index("- name: grow") : BUDGETS.index("- name: wide")], "")}, warned(403, f"{BUDGET}:1")),
    Row("a budget with another name, and weaker", budgets("name: grow", "name: tall", "2%", "3%"), warned(403, f"{BUDGET}:1")),
    Row("the file is gone", {BUDGET: None}, refused(403, f"{BUDGET}:1")),
    Row("a file nearer by", {"models/convcalc.budgets.yaml": "convcalc-budgets: 1\nbudgets: []\n"}, (*warned(403, *["models/convcalc.budgets.yaml:1"] * 3), *refused(403, "models/convcalc.budgets.yaml:1"))),
    Row("a locked bound", budgets("3k}", "3001}"), refused(403, f"{BUDGET}:23")),
    Row("a locked budget that is not any more", budgets("locked: true", "locked: false"), refused(403, f"{BUDGET}:20")),
    Row("a locked budget that is gone", {BUDGET: BUDGETS[: BUDGETS.index("- name: sealed")]}, refused(403, f"{BUDGET}:1")),
    Row("a locked budget for fewer", budgets("models: models/net.convcalc.yaml", "models: models/net2.convcalc.yaml"), refused(403, f"{BUDGET}:21", f"{BUDGET}:21"), ("CC311",)),
    Row("in the network", network("max: most", "max: 4001"), warned(403, f"{NETWORK}:18")),
    Row("a param of a bound", network("most: 4000", "most: 4001"), warned(403, f"{NETWORK}:18")),
    Row("no budgets in the network", {NETWORK: NET.partition("budgets:")[0]}, warned(403, f"{NETWORK}:1", f"{NETWORK}:1")),
    Row("a locked bound in the network", edit(NETWORK, "max: most", "max: 4001", base=SEALED), refused(403, f"{NETWORK}:19"), base=SEALED),
    Row("a smaller input", network("[3, 32, 32]", "[3, 31, 32]"), refused(403, f"{NETWORK}:3")),
    Row("a base in the network", edit(NETWORK, "base: main", "base: HEAD", base=GROWS), warned(403, f"{NETWORK}:20"), base=GROWS),
    Row("missing in the network", edit(NETWORK, "base: main", "base: main, missing: pass", base=GROWS), warned(403, f"{NETWORK}:20"), base=GROWS),
    Row("a jump of two axes", edit(BUDGET, "[2, 2]", "[2, 3]", base=AXES), warned(403, f"{BUDGET}:8"), base=AXES),
    Row("by the command line's file", {"other.yaml": BUDGETS.replace("5k", "6k")}, warned(403, "other.yaml:6"), base={**without(BASE, BUDGET), "other.yaml": BUDGETS}, options="--budgets other.yaml"),
)

PINS = (
    Row("a pin", network("{params: 2954}", "{params: 3082}", "out: 8, k: 1", "out: 16, k: 1"), warned(404, f"{NETWORK}:16"), ("CC301", "CC306", "CC307")),
    Row("a pin is gone", network("params: 1586, ", ""), warned(404, f"{NETWORK}:14")),
    Row("a pin allows everything", network("[10]", "[null]"), warned(404, f"{NETWORK}:15")),
    Row("no pins", {NETWORK: re.sub("(?s)expect:.*budgets", "budgets", NET)}, warned(404, *[f"{NETWORK}:1"] * 3)),
    Row("a saved report", {"net.json": "OTHER"}, warned(404, "net.json:1"), base=SAVED),
    Row("a saved report is gone", {"net.json": None}, warned(404, "net.json:1"), base=SAVED),
)

NETWORKS = (
    Row("is gone", {NETWORK: None}, refused(405, f"{NETWORK}:1"), ("CC311",) * 3),
    Row("one that no locked budget holds", {"models/deep/small.convcalc.yaml": None}, warned(405, "models/deep/small.convcalc.yaml:1")),
    Row("only defines blocks", {"models/deep/small.convcalc.yaml": PARTS}, warned(405, "models/deep/small.convcalc.yaml:1")),
    Row("lost a variant", network("{wide: {w: 16}}", "{wider: {w: 16}}", "  wide:", "  wider:"), refused(405, f"{NETWORK}:5"), ("CC018", "CC310")),
    Row("has another name", moved(NETWORK, "models/renamed.convcalc.yaml"), (*warned(403, f"{BUDGET}:15"), *refused(403, f"{BUDGET}:21")), ("CC311", "CC311")),
    Row("moved where no budget holds", moved("models/deep/small.convcalc.yaml", "other/small.convcalc.yaml"), warned(403, f"{BUDGET}:4")),
    Row("moved, and grew", moved("models/deep/small.convcalc.yaml", "other/small.convcalc.yaml", "out: 8", "out: 800"), warned(403, f"{BUDGET}:4"), ("CC301",)),
    Row("moved where new networks pass", {"models/net.convcalc.yaml": None, "models/other.convcalc.yaml": HEAVY.partition("expect:")[0]}, (*warned(403, *["models/other.convcalc.yaml:1"] * 2), *warned(404, *["models/other.convcalc.yaml:1"] * 3)), ("CC301", "CC306"), base=PASSES),
    Row("moved, and written anew", {"models/deep/small.convcalc.yaml": None, "other/small.convcalc.yaml": "name: 'small'\nconvcalc: 1\ninput: [3, 9, 9]\nlayers:\n- linear: {out: 9000}\n"}, warned(403, f"{BUDGET}:4"), ("CC112", "CC301", "CC303")),
    Row("has another name in the file too, and grew", moved("models/deep/small.convcalc.yaml", "other/s.convcalc.yaml", "out: 8", "out: 800", "name: small", "name: tiny"), warned(403, f"{BUDGET}:4"), ("CC301",)),
    Row("is a link to another one", {NETWORK: "-> ../heavy.convcalc.yaml", "heavy.convcalc.yaml": HEAVY.split("expect:")[0]}, (*warned(401, "heavy.convcalc.yaml:11"), *warned(403, *[f"{NETWORK}:1"] * 2), *warned(404, *[f"{NETWORK}:1"] * 3)), ("CC204", "CC301", "CC302", "CC306")),
    Row("moved behind a link", {NETWORK: None, "models/deep/small.convcalc.yaml": None, "models": "-> nets", "nets/net.convcalc.yaml": NET, "nets/deep/small.convcalc.yaml": SMALL}, (*warned(403, f"{BUDGET}:4", f"{BUDGET}:11", f"{BUDGET}:15"), *refused(403, f"{BUDGET}:21")), ("CC311",)),
    Row("in what looks like an environment", {"models/pyvenv.cfg": "", NETWORK: HEAVY}, (), ("CC301", "CC302", "CC306", "CC307")),
    Row("hides", moved("models/deep/small.convcalc.yaml", ".models/small.convcalc.yaml"), warned(405, "models/deep/small.convcalc.yaml:1")),
)

HONEST = (
    Row("nothing", {}),
    Row("a text", {"README.md": "other words\n"}),
    Row("a stricter bound", budgets("max: 5k", "max: 4.5k", "{min: 3}", "{min: 3, max: 50}")),
    Row("a bound in other words", budgets("max: 5k", "max: 5000", "5M", "5_000_000")),
    Row("equals in place of max", budgets("layers: {max: 9}", "layers: {equals: 7}")),
    Row("bounds in another order", budgets("max: 5k, warn: 4k", "warn: 4k, max: 5k")),
    Row("a wider pattern", budgets("models/**/*.convcalc", "**/*.convcalc")),
    Row("one more pattern", budgets('["models/**/*.convcalc.yaml"]', '["other/*.convcalc.yaml", "models/**/*.convcalc.yaml"]')),
    Row("all variants", budgets("  variants: [net, wide]\n", "")),
    Row("one more input", budgets("3x16x16]", "3x16x16, 3x24x24]")),
    Row("a budget with another name", budgets("name: grow", "name: tall")),
    Row("one more budget", {BUDGET: BUDGETS + "- {name: new, models: other/*.yaml, assert: {params: {max: 1M}}}\n"}),
    Row("one more lock", budgets("- name: grow\n", "- name: grow\n  locked: true\n")),
    Row("another message", budgets("- name: grow\n", "- name: grow\n  message: say why\n")),
    Row("another order of budgets", {BUDGET: BUDGETS[:29] + BUDGETS[BUDGETS.index("- name: grow") :] + BUDGETS[29 : BUDGETS.index("- name: grow")]}),
    Row("stricter settings", settings('ignore = ["CC207"]\n', "", '"error"}', '"error", CC204 = "error"}', '["old/", "!old/kept/"]', "[]", "5000", "4000")),
    Row("settings in other words", {TOML: SETTINGS.replace('["CC"]', '["CC", "CC204"]').replace('"old/*" = ["CC2"]', "'old/*' = ['CC2']  # same")}),
    Row("the order of exclude", edit(TOML, '"a/", "b/"', '"b/", "a/"', base=EXCLUDES), base=EXCLUDES),
    Row("a name for the project", edit("pyproject.toml", "'x'", "'y'", base=SHARED), base=SHARED),
    Row("lines before a comment", network("name: net", "# why\n\nname: net")),
    Row("a line with a comment, edited", network("id: cut}", "id: cut2}")),
    Row("a comment that is gone", network(COMMENT, ""), (), ("CC204",)),
    Row("one more pin", network("wide: {params: 2954}", "wide: {params: 2954, layers: 7}")),
    Row("a pin in other words", network("1586", "1_586")),
    Row("a pin that was none", network("receptive_field: null", "receptive_field: 5")),
    Row("a new network", {"models/new.convcalc.yaml": FREE.replace("free", "new")}, (), ("CC310",)),
    Row("one more variant", network("{wide: {w: 16}}", "{wide: {w: 16}, slim: {w: 4}}"), (), ("CC310",)),
    Row("a free network is gone", {"other/free.convcalc.yaml": None}),
    Row("a free network has another name", moved("other/free.convcalc.yaml", "other/f.convcalc.yaml")),
    Row("a held one has another name", moved("models/deep/small.convcalc.yaml", "models/deep/s.convcalc.yaml")),
    Row("git ignores something else", {".gitignore": "build/\n*.log\n"}),
    Row("the first settings", {TOML: "strict = true\n"}, base=NO_FILES),
    Row("the first budgets", {BUDGET: BUDGETS}, base=NO_FILES),
    Row("the same settings deeper", {"models/convcalc.toml": SETTINGS.replace('exclude = ["old/", "!old/kept/"]\n', "").split("[per")[0] + "[limits]\nlayers = 5000\n"}),
)
ROWS = {"comment": COMMENTS, "setting": SETTING, "bound": BOUNDS, "pin": PINS, "network": NETWORKS, "honest": HONEST}
CASES = [pytest.param(row, id=f"{kind}: {row.name}") for kind, rows in ROWS.items() for row in rows]


REPORTS: dict[str, str] = {}  # what stands for the text of a saved report


# --- the repository ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a revision ``base-N`` for each tree that a row begins with."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "net.convcalc.yaml").write_text(NET, "utf-8")
    assert main(["show", f"{folder}/net.convcalc.yaml", "--variant", "net", "--variant", "wide", "-f", "json", "-o", f"{folder}/report"]) == 0
    REPORTS["REPORT"] = (folder / "report").read_text("utf-8")
    REPORTS["OTHER"] = REPORTS["REPORT"].replace(": 1586", ": 15860")
    trees = list({id(row.base): row.base for rows in ROWS.values() for row in rows}.values())
    stream = "".join(f"commit refs/heads/{name}\ncommitter x <x@y.z> 0 +0000\ndata 0\n" + "".join(f"M 644 inline {path}\ndata {len(REPORTS.get(text, text).encode())}\n{REPORTS.get(text, text)}\n" for path, text in tree.items()) for name, tree in (("main", BASE), *((name_of(tree), tree) for tree in trees)))
    environment = {**IDENTITY, **APART}
    for words, given in ((["init", "-q", "-b", "main"], ""), (["fast-import", "--quiet"], stream), (["read-tree", "main"], "")):
        subprocess.run(["git", *words], cwd=folder, input=given.encode(), check=True, env={**environment, "PATH": "/usr/bin:/bin:/usr/local/bin"})
    return folder


def name_of(tree: Tree) -> str:
    """The branch of a tree."""
    known = (BASE, SHARED, NO_FILES, MISSING, SEALED, SAVED, TWICE, GROWS, AXES, PASSES, CONFIG, EXCLUDES)
    return f"base-{next((n for n, each in enumerate(known) if each is tree), len(known))}"


def lay_out(project: Path, row: Row) -> None:
    """Makes the working tree what the pull request makes of it."""
    for path in project.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, text in {**row.base, **row.changes}.items():
        if text is not None:
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                path.symlink_to(text[3:])
                continue
            path.write_text(REPORTS.get(text, text), "utf-8")


FINDING = re.compile(r"^(\S+?):(\d+):\d+: (\w+)\[(CC\d+)\]", re.MULTILINE)


@pytest.mark.parametrize("row", CASES)
def test_what_a_pull_request_weakens_is_found(
    row: Row, project: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(project, row)
    sources._found.clear()  # a run has its own repository, and a limit of what it waits for git
    monkeypatch.chdir(project)
    ran = convcalc(f"check -f concise --policy {name_of(row.base)} {row.options}")
    found = [(f"{severity} {code} {file}:{line}", code) for file, line, severity, code in FINDING.findall(ran.out)]
    assert sorted(each for each, code in found if code > "CC4") == sorted(row.found), ran.out + ran.err
    assert {code for _, code in found if code < "CC4"} == set(row.also), ran.out
    is_strict = TOML in row.base or "--config" in row.options
    assert ran.code == (1 if "error[" in ran.out or (is_strict and found) else 0)
