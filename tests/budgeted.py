"""One network file with budgets, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from convcalc.checking.discovery import discover
from convcalc.checking.run import Checked, Options, Run

# 3×32×32 → conv 8·3·9 = 216 params, 8×15×15; conv 16·8·9 = 1152, 16×15×15; linear 160 + 10.
NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
params: {w: 8, rate: 2}
variants: {wide: {w: 16}}
layers:
- {conv: {out: w, k: 3, s: 2, bias: false}, id: stem}
- {conv: {out: 16, k: 3, p: same, d: rate, bias: false}, id: body}
- global_avg_pool
- {linear: {out: 10}, id: head}
"""


PARAMS, MACS = 216 + 1152 + 170, 216 * 225 + 1152 * 225 + 160


def checked(budgets: str, text: str = NET, **options: Any) -> Checked:
    Path("net.convcalc.yaml").write_text(f"{text}budgets:\n  {budgets}\n", "utf-8")
    run = Run(Options(variant=options.pop("variant", "net"), **options))
    (result, *_) = run.check(discover(["net.convcalc.yaml"]))
    return result


def broken(budgets: str, text: str = NET) -> list[tuple[str, str]]:
    """Severity and message of each finding."""
    return [(f"{f.severity} {f.code}", f.message) for f in checked(budgets, text).findings]


def holds(budgets: str, text: str = NET) -> bool:
    result = checked(budgets, text)
    assert all(found.code >= "CC3" for found in result.findings), result.findings
    return not result.findings
