"""No text of a stranger steers a terminal, a CI service, a spreadsheet or a page, in any format.

Files hold hostile texts wherever a text can stand, and so do words on the command line, names of
files, saved reports and the environment. Each command runs on them in each of its formats.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hostile import FILES, TEXTS, faults, filled

from convcalc.checking import FORMATS as FINDINGS
from convcalc.cli import main
from convcalc.output.formats import FORMATS

pytestmark = pytest.mark.usefixtures("folder")
Run = Callable[..., str]
EXPLAINED = ("table", "markdown", "json")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line, looks through all that it writes, and returns the result."""

    def ran(words: Sequence[str], form: str = "") -> str:
        code = main([*words, *(["-f", form] if form else [])])
        out, err = capsys.readouterr()
        found = [*faults(out, form), *faults(err, "")]
        assert code in (0, 1, 2), (words, form, code)
        assert "this is a bug" not in err, (words, form, err[-500:])
        assert found == [], (words, form)
        return out

    return ran


def in_every_format(run: Run, words: Sequence[str], forms: Sequence[str]) -> None:
    for form in forms:
        run(words, form)


# --- files -------------------------------------------------------------------------------------


def write_files(number: int) -> list[str]:
    """Writes a network of each kind, whose places hold the texts, beginning with one of them."""
    names = []
    for kind, template in FILES.items():
        names.append(f"{kind}.convcalc.yaml")
        Path(names[-1]).write_text(filled(template, number), "utf-8")
    return names


each_text = pytest.mark.parametrize("number", range(len(TEXTS)), ids=TEXTS)


@each_text
@pytest.mark.exhaustive
def test_findings_are_told_safely(run: Run, number: int) -> None:
    write_files(number)
    in_every_format(run, ["check", "--show-passed", "--statistics", "."], FINDINGS)
    in_every_format(run, ["check", "--color", "never", "right.convcalc.yaml"], FINDINGS)
    run(["check", "--summary-file", "summary.md"])
    assert [*faults(Path("summary.md").read_text("utf-8"), "markdown")] == []


@each_text
@pytest.mark.exhaustive
def test_tables_and_pictures_are_shown_safely(run: Run, number: int) -> None:
    for name in write_files(number):
        in_every_format(run, ["show", name], FORMATS)
        in_every_format(run, ["rf", name], FORMATS)
        in_every_format(run, ["explain", name], EXPLAINED)
        run(["pin", "--diff", name])
    name = "right.convcalc.yaml"
    in_every_format(run, ["show", name, "--depth", "all", "--memory", "training"], FORMATS)
    in_every_format(run, ["show", name, name], FORMATS)
    in_every_format(run, ["show", name, "--by", "operator", "--convention", "thop"], FORMATS)
    in_every_format(run, ["explain", "--layers", name], EXPLAINED)
    in_every_format(run, ["explain", name, "--convention", "thop", "--versus", "fvcore"], EXPLAINED)
    run(["rf", name, "--path", "--strip", "--map", "--svg", "cone.svg"])
    if Path("cone.svg").exists():  # a long text is no key for YAML
        assert [*faults(Path("cone.svg").read_text("utf-8"), "")] == []
    for path in ("name", "network", "layers", "layers[0].path", "per_output", "inputs", "variant"):
        in_every_format(run, ["get", path, name], ("raw", "json"))


@each_text
@pytest.mark.exhaustive
def test_differences_are_told_safely(run: Run, number: int) -> None:
    files = write_files(number)
    for folder in ("old", "new"):
        Path(folder).mkdir()
        for name in files:
            text = Path(name).read_text("utf-8").replace("k: 3", f"k: {len(folder) - 2}")
            Path(folder, name).write_text(text, "utf-8")
    Path("new/right.convcalc.yaml").write_text(
        Path("right.convcalc.yaml").read_text("utf-8").replace("- {B:", "- relu\n- {B:"), "utf-8"
    )
    Path("new/one.convcalc.yaml").write_text(filled(FILES["right"], number), "utf-8")
    in_every_format(run, ["diff", "old", "new"], EXPLAINED)
    in_every_format(run, ["diff", "old", "old"], EXPLAINED)
    in_every_format(run, ["diff", "old/right.convcalc.yaml", "new/right.convcalc.yaml"], EXPLAINED)


def test_colours_are_convcalcs_own(capsys: pytest.CaptureFixture[str]) -> None:
    coloured = 0
    for number in range(len(TEXTS)):
        Path("right.convcalc.yaml").write_text(filled(FILES["right"], number), "utf-8")
        for words in (
            ["show", "right.convcalc.yaml"],
            ["check", "-f", "full"],
            ["layer", "relu", "-i", "3"],
            ["show", list(TEXTS.values())[number]],
        ):
            main([*words, "--color", "always"])
            for text in capsys.readouterr():
                plain = re.sub(r"\x1b\[(0|1|2|31|32|33|36|1;31|1;33)m", "", text)
                assert [*faults(plain, "")] == [], words
                coloured += "\x1b[" in text
    assert coloured > len(TEXTS)


# --- what the command line says ----------------------------------------------------------------

LINES = (
    *("show T", "show resnet18 --variant T", "show resnet18 --set T", "show resnet18 --set a=T"),
    *("show resnet18 -i T", "show resnet18 -i T=3x8x8", "show resnet18 --columns T"),
    *("show resnet18 --sort T", "show resnet18 --depth T", "show resnet18 --by T"),
    *("show resnet18 --count T", "show resnet18 --dtype T", "show resnet18 --memory T"),
    *("show resnet18 --convention T", "show resnet18 -f T", "show resnet18 --color T"),
    *(
        "show resnet18 --batch T",
        "show resnet18 --T",
        "show resnet18 -T",
        "T",
        "--T",
        "show HEAD:T",
    ),
    *("show T:x", "show resnet18::T", "check T", "check --select T", "check --variant T"),
    *("check --budgets T", "check --ignore T", "check - --stdin-filename T", "check T::x"),
    *("diff T T", "diff resnet18 T.json", "diff T: .", "diff resnet18 resnet18 --fail-on T"),
    *("pin T", "layer T", "layer conv T", "layer conv T=1", "layer conv k=T -i 3x8x8"),
    *("layer conv out=1 k=1 -i T", "layer conv out=1 k=1 -i 3x8x8 --cost T", "rf T"),
    *("rf resnet18 --at T", "rf resnet18 --of T", "rf resnet18 --position T", "rf --stack T"),
    *("rf --stack k=T", "rf --suggest T", "rf resnet18 --channel T", "explain T", "explain conv T"),
    *("explain resnet18 T", "explain resnet18 --convention T", "explain resnet18 T T"),
    *("explain resnet18 --convention thop --versus T", "get T resnet18", "get totals.T resnet18"),
    *("get layers[T] resnet18", "list T", "list operators T", "operator T", "convention T"),
    *("rule T", "schema T", "new T", "new x --template T", "new T/x --template plain"),
)


@each_text
@pytest.mark.exhaustive
def test_words_of_the_command_line_are_repeated_safely(run: Run, number: int) -> None:
    text = [*TEXTS.values()][number].replace("\0", "")
    for line in LINES:
        run([word.replace("T", text) for word in line.split()])


@each_text
def test_the_environment_is_repeated_safely(
    run: Run, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = [*TEXTS.values()][number].replace("\0", "")
    for name in ("COLOR", "COUNT", "DTYPE", "CONVENTION", "MEMORY", "OUTPUT_FORMAT"):
        with monkeypatch.context() as changed:
            changed.setenv(f"CONVCALC_{name}", text)
            run(["show", "resnet18"])
    for name in ("SELECT", "IGNORE", "VARIANT", "BUDGETS"):
        with monkeypatch.context() as changed:
            changed.setenv(f"CONVCALC_{name}", text)
            run(["check", "resnet18"])


# --- names of files, and what lies beside networks ---------------------------------------------


def names() -> Iterator[str]:
    """The texts that a file can be called, with one that is no UTF-8."""
    for text in (*TEXTS.values(), os.fsdecode(b"\xff\xfe")):
        yield (
            text.replace("/", "")
            .replace("\0", "")[:100]
            .encode("utf-8", "surrogateescape")[:200]
            .decode("utf-8", "surrogateescape")
        )


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.exhaustive
def test_names_of_files_and_folders_are_told_safely(run: Run, kind: str) -> None:
    for number, name in enumerate(names()):
        Path("f", name).mkdir(parents=True)
        Path("f", name, "n.convcalc.yaml").write_text(filled(FILES[kind], number), "utf-8")
        Path("g").mkdir(exist_ok=True)
        Path("g", f"{name}.convcalc.yaml").write_text(filled(FILES[kind], number), "utf-8")
    in_every_format(run, ["check", "."], FINDINGS)
    in_every_format(run, ["diff", "f", "g"], EXPLAINED)
    run(["pin", "--diff", "."])
    for name in [*names()][:: len(FILES)]:
        file = f"g/{name}.convcalc.yaml"
        in_every_format(run, ["show", file], ("table", "json", "markdown", "csv"))
        run(["explain", file])


def test_names_in_a_repository_are_told_safely(run: Run) -> None:
    for number, name in enumerate(names()):
        Path(f"{name}.convcalc.yaml").write_text(filled(FILES["right"], number), "utf-8")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    for path in Path().glob("*.convcalc.yaml"):
        path.write_text(path.read_text("utf-8").replace("k: 3", "k: 1"), "utf-8")
    in_every_format(run, ["diff", "HEAD:./", "."], EXPLAINED)


@each_text
def test_settings_and_budgets_are_told_safely(run: Run, number: int) -> None:
    text = [*TEXTS.values()][number]
    Path("x.convcalc.yaml").write_text(FILES["right"].replace("%", "p"), "utf-8")
    settings = (
        "ignore = [{}]",
        "{} = 1",
        "variant = {}",
        "exclude = [{}]",
        "output-format = {}",
        "[severity]\n{} = 'error'",
        "[severity]\nCC201 = {}",
        "[limits]\n{} = 1",
        "[per-file-ignores]\n{} = ['CC201']",
        "budgets = {}",
        "{}",
    )
    for line in settings:
        Path("convcalc.toml").write_text(line.format(json.dumps(text)) + "\n", "utf-8")
        in_every_format(run, ["check", "."], ("concise", "full", "github", "junit"))
        run(["show", "x.convcalc.yaml"])
    Path("convcalc.toml").unlink()
    for line in ("{0}: 1", "budgets: [{{models: {0}, params: {{max: 1}}}}]", "{0}"):
        Path("convcalc.budgets.yaml").write_text(f"convcalc: 1\n{line.format(json.dumps(text))}\n")
        in_every_format(run, ["check", "."], FINDINGS)


@each_text
@pytest.mark.exhaustive
def test_saved_reports_are_told_safely(run: Run, number: int) -> None:
    text = [*TEXTS.values()][number]
    Path("x.convcalc.yaml").write_text(FILES["right"].replace("%", "p"), "utf-8")
    assert main(["show", "x.convcalc.yaml", "-f", "json", "-o", "x.json"]) == 0
    saved = json.loads(Path("x.json").read_text("utf-8"))
    for place, changed in enumerate(texts_replaced(saved, text)):
        if place % 5 == number % 5:  # another text stands in the others
            Path("y.json").write_text(json.dumps(changed), "utf-8")
            in_every_format(run, ["diff", "y.json", "x.json"], EXPLAINED)


def texts_replaced(saved: object, text: str) -> Iterator[object]:
    """The report with one after another of its texts and keys replaced; of the layers the first."""
    if isinstance(saved, str):
        yield text
    elif isinstance(saved, list):
        for index, item in enumerate(saved[:1]):
            for changed in texts_replaced(item, text):
                yield [*saved[:index], changed, *saved[index + 1 :]]
    elif isinstance(saved, dict):
        for key, item in saved.items():
            yield {text if each == key else each: saved[each] for each in saved}
            for changed in texts_replaced(item, text):
                yield {**saved, key: changed}
