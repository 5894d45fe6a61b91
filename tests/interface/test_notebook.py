"""The notebook of the documentation runs, and shows what is stored in it.

After a change ``CONVCALC_UPDATE_GOLDEN=1 pytest -n0 tests/interface/test_notebook.py`` stores what
it shows now.
"""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from typing import Any

import pytest
from places import ROOT

FILE = ROOT / "docs" / "notebook.ipynb"
NEEDED = ("nbclient", "nbformat", "ipykernel", "pandas")
ABSENT = [name for name in NEEDED if importlib.util.find_spec(name) is None]


def shown(notebook: Any) -> list[Any]:
    """What each cell shows, but for data frames, whose look is that of pandas."""
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            plain = output.get("text", output.get("data", {}).get("text/plain", ""))
            found.append("".join(plain))
            html = "".join(output.get("data", {}).get("text/html", ""))
            if "dataframe" not in html:
                found.append(html)
    return found


@pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")
def test_the_notebook_shows_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        stored = nbformat.read(FILE, 4)
        made = nbformat.read(FILE, 4)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        NotebookClient(made, timeout=300, kernel_name="python3", record_timing=False).execute()
        made.metadata.pop("language_info", None)
        if os.environ.get("CONVCALC_UPDATE_GOLDEN"):
            nbformat.write(made, FILE)
    assert shown(made) == shown(stored) or os.environ.get("CONVCALC_UPDATE_GOLDEN")


def test_the_notebook_holds_results_and_no_errors() -> None:
    notebook = json.loads(FILE.read_text("utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    assert len(outputs) > 8
    assert not [output for output in outputs if output["output_type"] == "error"]
    tables = [
        "".join(output["data"]["text/html"])
        for output in outputs
        if "data" in output and "text/html" in output["data"]
    ]
    assert sum('class="convcalc"' in table for table in tables) > 4
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), "cell", "exec")
