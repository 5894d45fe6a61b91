"""Every base network, written and read again: as PyTorch code through torch.export, and as ONNX.

    python benchmarks/round_trips.py               # both formats
    python benchmarks/round_trips.py --format onnx resnet detr …
    python benchmarks/round_trips.py --keep FOLDER # of files, found again next time

A network goes to a file and back, and ``convcalc verify`` holds it against its own design. A line
tells of each network that is refused or differs; the table at the end counts them. It needs PyTorch
or the onnx package; what is not installed is left out. The files of PyTorch take some minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import shipped
from exporting.round_trips import Refused, differences_of, onnx_bytes, pt2_bytes

FORMATS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "pt2": ("torch", pt2_bytes),
    "onnx": ("onnx", onnx_bytes),
}
MOST_LINES = 4  # of one network
COLUMNS = ("written", "equal", "told", "refused")


def row(form: str, names: list[str], folder: Path) -> Counter[str]:
    """How many networks are written in a format, and what is told of them."""
    sums: Counter[str] = Counter()
    for name in names:
        path = folder / f"{name}.{form}"
        try:
            content = path.read_bytes() if path.exists() else FORMATS[form][1](name)
        except Refused as error:
            sums["refused"] += 1
            print(f"{form} {name}: refused, {error}", flush=True)
            continue
        path.write_bytes(content)
        told = differences_of(name, content, form)
        sums["written"] += 1
        sums["told" if told else "equal"] += 1
        for line in (
            *told[:MOST_LINES],
            *[f"and {len(told) - MOST_LINES} more"][: len(told) > MOST_LINES],
        ):
            print(f"{form} {name}: {line}", flush=True)
    return sums


def main() -> None:
    """Print what differs, and the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("names", nargs="*", help="networks; all base networks if none are named")
    parser.add_argument("--format", choices=FORMATS, help="one format only")
    parser.add_argument("--keep", type=Path, help="where files are kept and looked for")
    given = parser.parse_args()
    forms = [given.format] if given.format else list(FORMATS)
    with TemporaryDirectory() as own:
        folder = given.keep or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            form: row(form, given.names or shipped.BASES, folder)
            for form in forms
            if importlib.util.find_spec(FORMATS[form][0]) is not None
        }
    print(f"{'':6}" + "".join(f"{column:>9}" for column in COLUMNS))
    for form, sums in found.items():
        print(f"{form:6}" + "".join(f"{sums[column]:9}" for column in COLUMNS))


if __name__ == "__main__":
    main()
