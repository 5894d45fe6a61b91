"""Every shipped network as an ONNX file: how many are written, checked by onnx, and read back.

    python benchmarks/onnx_files.py              # all, with what is refused and what differs
    python benchmarks/onnx_files.py resnet50 …   # some

It needs the onnx package. A difference is one of parameters, buffers, MACs, the sizes of outputs,
or receptive fields that are known in both.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from exporting.onnx.agreement import checked, differences, fields_differ

from convcalc.exporting.onnx.model import onnx_file
from convcalc.exporting.onnx.nodes import Unwritable
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names


def main() -> None:
    """Print a line for each network that is refused or differs, and the sums."""
    chosen = sys.argv[1:] or list(shipped_names())
    sums: Counter[str] = Counter()
    sizes = []
    for name in chosen:
        network = read_network(shipped_names()[name])
        try:
            content = onnx_file(network)
        except Unwritable as error:
            sums["refused"] += 1
            print(f"{name}: {error}")
            continue
        checked(content)
        sizes.append(len(content))
        found = {**differences(network, content), **fields_differ(network, content)}
        sums["written" if not found else "written, and differ"] += 1
        if found:
            print(f"{name}: {found}")
    print(", ".join(f"{count} {what}" for what, count in sums.items()), "of", len(chosen))
    if sizes:
        print(f"{sorted(sizes)[len(sizes) // 2]:,} bytes in the middle, {max(sizes):,} at most")


if __name__ == "__main__":
    main()
