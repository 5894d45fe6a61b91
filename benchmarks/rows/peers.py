"""Other counters on ResNet-50: each a whole process, from its imports to the number."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from measure.counting import ENVIRONMENT
from measure.processes import Failed, Ran, forget, median, ran
from measure.tables import Table, mebibytes, seconds, times

from rows.setting import Setting, tell

RUNS = 3
# torchvision without its compiled half, which only detection needs, is imported as well.
MODEL = """
import sys, torch
try:
    import torchvision
except RuntimeError:
    for name in [each for each in sys.modules if each.startswith("torchvision")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
model = torchvision.models.resnet50().eval()
shape = (1, 3, 224, 224)
image = torch.zeros(shape)
"""
PEERS = {
    "FlopCounterMode": """
from torch.utils.flop_counter import FlopCounterMode
with torch.no_grad(), FlopCounterMode(display=False) as counter:
    model(image)
print(counter.get_total_flops() // 2)
""",
    "torchinfo": """
import torchinfo
print(torchinfo.summary(model, shape, verbose=0).total_mult_adds)
""",
    "ptflops": """
import ptflops
options = {"as_strings": False, "print_per_layer_stat": False}
print(ptflops.get_model_complexity_info(model, shape[1:], **options)[0])
""",
    "thop": """
import thop
print(int(thop.profile(model, (image,), verbose=False)[0]))
""",
    "fvcore": """
import logging
from fvcore.nn import FlopCountAnalysis
logging.disable()
print(FlopCountAnalysis(model, image).total())
""",
    "calflops": """
import calflops
print(calflops.calculate_flops(model, shape, output_as_string=False, print_results=False)[1])
""",
}
# Torch keeps what it compiles below HOME, and needs it for nothing else here.
ROOM = {**ENVIRONMENT, "HOME": os.devnull, "PYTHONWARNINGS": "ignore"}


class Compared(NamedTuple):
    """A program: its name, its command, and the number that it prints; whether it is run with what
    convcalc kept of the same before."""

    name: str
    command: Sequence[str]
    number: str = ""
    again: bool = False


def peers(setting: Setting) -> Table:
    """The table; peers that are not installed are told and left out."""
    ours = Compared("convcalc", setting.convcalc("get", "totals.macs", "resnet50"))
    codes = {name: MODEL + code for name, code in PEERS.items()}
    return compared("ResNet-50, from the start of the process to its MACs", ours, codes, setting)


def compared(
    title: str, ours: Compared, codes: dict[str, str], setting: Setting, *others: Compared
) -> Table:
    """The table of convcalc, of other commands of it and of pieces of code, in turn, against the
    first."""
    found = [ours._replace(number=_number(ours.command, setting.folder)), *others]
    for name, code in codes.items():
        one = _installed(name, code, setting)
        found += [one] if one else []
    rounds = [[_ran(each, setting) for each in found] for _ in range(RUNS)]
    rows = []
    for number, each in enumerate(found):
        time, cpu, memory = median([runs[number] for runs in rounds])
        slower = statistics.median(runs[number].seconds / runs[0].seconds for runs in rounds)
        larger = statistics.median(runs[number].memory / runs[0].memory for runs in rounds)
        figures = [seconds(time), seconds(cpu), times(slower), mebibytes(memory), times(larger)]
        rows.append([each.name, *figures, each.number])
    heads = ("", "time", "CPU time", "× convcalc", "peak memory", "× convcalc", "MACs")
    return Table(title, heads, rows)


def _ran(each: Compared, setting: Setting) -> Ran:
    tell(f"{each.name} ...")
    if each.again:
        ran(each.command, setting.folder, environment=ROOM)
    else:
        forget(setting.folder)
    return ran(each.command, setting.folder, environment=ROOM)


def _installed(name: str, code: str, setting: Setting) -> Compared | None:
    """A peer by the first interpreter in which it runs; none is told."""
    reasons = []
    for python in setting.peers:
        command = [python, "-c", code]
        try:
            return Compared(name, command, _number(command, setting.folder))
        except Failed as error:
            reasons.append(str(error))
    # That another interpreter lacks it says less than why it fails in its own.
    reasons.sort(key=lambda reason: f"No module named '{name}'" in reason)
    why = reasons[0] if reasons else "no interpreter of peers is named; see --peers"
    tell(f"note: {name} is left out: {why}")
    return None


def _number(command: Sequence[str], folder: Path) -> str:
    """The number that a command prints last; raises Failed if it fails."""
    shown = subprocess.run(
        command, cwd=folder, env=ROOM, capture_output=True, check=False, encoding="utf-8"
    )
    if shown.returncode:
        raise Failed(shown.stderr.strip().splitlines()[-1][:100] if shown.stderr else "failed")
    return f"{float(shown.stdout.split()[-1]):,.0f}"
