"""Builds the playground of the site: convcalc in the browser, from the front end in ``web/``.

``python docs/playground.py OUT`` writes it to a folder; ``docs/book.py`` puts it beside the book.
It needs Node.js and the packages of ``web/package-lock.json``: ``npm ci --prefix web``, or a folder
of them that ``CONVCALC_NODE_MODULES`` names. ``CONVCALC_WHEEL`` names a wheel of convcalc that is
there already; otherwise pip makes one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same wheel from the same files


def node_modules() -> Path:
    """The folder of the packages of npm."""
    return Path(os.environ.get("CONVCALC_NODE_MODULES") or WEB / "node_modules")


def lacks() -> str:
    """What is missing to build the playground; empty if nothing is."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if not (node_modules() / "pyodide").is_dir():
        return "the packages of npm are not installed: npm ci --prefix web"
    return ""


def build(out: Path) -> None:
    """Writes the playground into a folder, which is replaced."""
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(["node", str(WEB / "build.mjs"), str(out)], cwd=WEB, check=True)
    wheels = [convcalc_wheel(out), yaml_wheel(out)]
    names = [wheel.name for wheel in wheels]
    (out / "wheels.json").write_text(json.dumps(names), "utf-8")


# --- wheels --------------------------------------------------------------------------------------


def convcalc_wheel(out: Path) -> Path:
    """The wheel of this checkout, or the one that the environment names, in a folder."""
    if given := os.environ.get("CONVCALC_WHEEL"):
        return Path(shutil.copy(given, out))
    with TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--wheel-dir", folder, str(ROOT)], check=True)
        (made,) = Path(folder).glob("*.whl")
        return Path(shutil.copy(made, out))


def yaml_wheel(out: Path) -> Path:
    """PyYAML's part in Python as a wheel: it is the same without libyaml, and slower."""
    found = distribution("pyyaml")
    package = Path(str(found.locate_file("yaml")))
    files = {f"yaml/{path.name}": path.read_bytes() for path in sorted(package.glob("*.py"))}
    info = f"pyyaml-{found.version}.dist-info"
    files[f"{info}/METADATA"] = (found.read_text("METADATA") or "").encode()
    for path in sorted(found.files or ()):
        if path.name == "LICENSE":
            files[f"{info}/licenses/LICENSE"] = path.read_binary()
    head = "Wheel-Version: 1.0\nGenerator: convcalc\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/WHEEL"] = head.encode()
    wheel = out / f"pyyaml-{found.version}-py3-none-any.whl"
    write_wheel(wheel, files, f"{info}/RECORD")
    return wheel


def write_wheel(path: Path, files: dict[str, bytes], record: str) -> None:
    """Writes files and the record of them."""
    lines = [f"{name},sha256={digest(content)},{len(content)}" for name, content in files.items()]
    whole = {**files, record: "\n".join([*lines, f"{record},,", ""]).encode()}
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in whole.items():
            archive.writestr(ZipInfo(name, EPOCH), content, ZIP_DEFLATED)


def digest(content: bytes) -> str:
    """The digest of a file as RECORD has it."""
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    if problem := lacks():
        sys.exit(problem)
    build(Path(sys.argv[1]).resolve())
