"""The playground in Chromium, used as a visitor uses it; drive.mjs does it and tells what it saw.

It needs Node.js, a Chromium and the packages of ``web/package-lock.json``; without them these tests
are skipped, and say why. ``CONVCALC_SHOTS`` names a folder for pictures.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import playground
import pytest
from command import Command

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
LACKS = [*filter(None, [playground.lacks(), "" if CHROMIUM else "Chromium is not installed"])]
pytestmark = [
    pytest.mark.playground,
    pytest.mark.skipif(bool(LACKS), reason="; ".join(LACKS)),
]

HEAD = "convcalc: 1\ninput: [3, 32, 32]\n"
FILES = {
    "broken": f"{HEAD}name: broken\nlayers:\n- conv: {{out: 8, k: 3}}\n"
    "- conv: {out: 8, k: 3, g: 5}\n",
    "unfinished": f"{HEAD}blocks:\n  ConvBn:\n    params: {{out: int}}\n"
    "    layers: [{conv: {out: out, k: 3}}, batch_norm]\nlayers:\n- ConvBn: {out: 8}\n- ",
    "hostile": f"{HEAD}name: '<img src=x onerror=\"hostile=1\"><script>hostile=2</script>'\n"
    "layers:\n- {conv: {out: 8, k: 3}, id: a, note: '<img src=x onerror=\"hostile=3\">'}\n"
    "- '<svg onload=\"hostile=4\">'\n",
    "heavy": f"{HEAD}name: heavy\nlayers:\n- {{conv: {{out: 8, k: 3, p: 1}}, repeat: 9000}}\n",
    "sound": f"{HEAD}name: sound\nlayers:\n- conv: {{out: 8, k: 3}}\n",
}


class Strict(SimpleHTTPRequestHandler):
    """Serves files, all under the policy of the page: its worker lives with it too."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The playground on this machine."""
    app = tmp_path_factory.mktemp("site") / "app"
    playground.build(app)
    policy = re.search(
        r'Content-Security-Policy" content="([^"]+)"', (app / "index.html").read_text()
    )
    assert policy is not None
    strict = type("Handler", (Strict,), {"policy": policy[1]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(strict, directory=str(app)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def run(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        command, input=given, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.fixture(scope="module")
def seen(address: str) -> dict[str, Any]:
    """What was seen of one visit."""
    script = Path(__file__).with_name("drive.mjs")
    shots = os.environ.get("CONVCALC_SHOTS", "")
    modules = str(playground.node_modules().resolve())
    command = ["node", str(script), address, modules, CHROMIUM, shots]
    ran = run(command, json.dumps(FILES))
    if ran.returncode:
        pytest.fail(f"the visit was broken off: {ran.stderr[-1000:]}", pytrace=False)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_the_parts_of_the_front_end_do_what_they_say() -> None:
    """The tests in ``web/test``."""
    command = ["node", str(playground.WEB / "test" / "run.mjs")]
    ran = run(command)
    assert ran.returncode == 0, ran.stdout
    assert "# fail 0" in ran.stdout
    assert "# pass 0" not in ran.stdout


def test_nothing_is_written_to_the_console_and_no_other_host_is_asked(
    seen: dict[str, Any], address: str
) -> None:
    assert seen["said"] == []
    assert seen["refused"] == []
    assert seen["hosts"] == [address.rstrip("/")]


def test_it_says_that_it_loads_and_then_shows_a_first_network(seen: dict[str, Any]) -> None:
    assert seen["loading"].startswith(("Loading", "Starting"))
    assert seen["start"]["status"] == "No problems"
    assert seen["picture"] == "What one position of the output sees of the input"


def test_the_numbers_are_those_of_the_command(
    seen: dict[str, Any], folder: Path, convcalc: Command
) -> None:
    (folder / "tiny.convcalc.yaml").write_text(seen["start"]["text"], "utf-8")
    report = json.loads(convcalc("show tiny.convcalc.yaml -f json").out)
    *rows, total = seen["start"]["table"]["rows"]
    assert total[4:6] == [str(report["totals"][key]) for key in ("params", "macs")]
    for name, _, _, _, params, macs, *_ in rows:
        inside = [
            layer
            for layer in report["layers"]
            if layer["path"] == name or layer["path"].startswith(f"{name}.")
        ]
        assert [params, macs] == [
            str(sum(each[key] for each in inside)) for key in ("params", "macs")
        ]


def test_a_variant_layer_by_layer_has_the_numbers_of_the_command(
    seen: dict[str, Any], convcalc: Command
) -> None:
    report = json.loads(convcalc("show unet_original -f json").out)
    *rows, total = seen["layers"]["rows"]
    assert seen["variants"] == ["base", "unet_original"]
    assert seen["variant"]["rows"][-1] == total
    assert total[4:6] == [str(report["totals"][key]) for key in ("params", "macs")]
    assert len(rows) == len(report["layers"])
    for row, layer in zip(rows, report["layers"], strict=True):
        sizes = "x".join(map(str, layer["output"][1:]))
        field = "x".join(map(str, layer["receptive_field"]["size"]))
        wanted = [
            layer["path"],
            layer["operator"],
            sizes,
            str(layer["params"]),
            str(layer["macs"]),
            field,
        ]
        assert [*row[:3], *row[4:7]] == wanted


def test_another_size_and_another_tools_counts_are_those_of_the_command(
    seen: dict[str, Any], convcalc: Command
) -> None:
    ran = convcalc("show unet_original -i 1x700x700 --convention fvcore -f json")
    totals = json.loads(ran.out)["totals"]
    assert "fvcore flops" in seen["convention"]
    wanted = [totals["params"], totals["macs"], totals["convention"]["flops"]]
    assert seen["sized"][4:7] == list(map(str, wanted))
    assert "'7y' is not a size" in seen["wrongInput"][0]


def test_an_error_stands_at_its_line_and_column_with_its_help(
    seen: dict[str, Any], folder: Path, convcalc: Command
) -> None:
    (folder / "broken.convcalc.yaml").write_text(FILES["broken"], "utf-8")
    (file,) = json.loads(convcalc("check broken.convcalc.yaml -f json").out)["files"]
    (finding,) = file["findings"]
    found = seen["broken"]
    assert found["places"] == [f"{finding['line']}:{finding['column']}"]
    assert found["marked"] == ["5"]
    assert found["gutter"] == 1
    assert found["rows"] == 2  # the sound layer, and the total
    assert found["focus"] == "Network file"
    for text in (found["listed"][0], found["hover"]):
        assert finding["message"] in text
        assert finding["help"] in text
        assert f"error[{finding['code']}] {finding['name']}" in text


def test_completion_offers_operators_fields_values_and_the_blocks_of_the_file(
    seen: dict[str, Any],
) -> None:
    assert seen["items"][0] == "conv"
    assert {"conv_transpose", "ConvBn", "depthwise_conv"} < set(seen["items"])
    assert {"out_channels", "kernel_size", "padding_mode"} < set(seen["fields"])
    assert seen["values"][:4] == ["zeros", "reflect", "replicate", "circular"]
    assert seen["completed"] == "- conv: {padding_mode: }"
    assert "ConvBn" in seen["blocks"]
    assert seen["meaning"].startswith("Convolution over")


def test_everything_is_reached_and_done_with_the_keyboard(seen: dict[str, Any]) -> None:
    wanted = ["examples", "copy", "Network file", "input", "convention", "depth", "body[1]"]
    assert [stop for stop in seen["stops"] if stop in wanted] == wanted
    assert seen["pressed"] == ["body[1]"]


def test_a_link_carries_the_file_and_what_was_chosen(seen: dict[str, Any]) -> None:
    link = parse_qs(urlsplit(seen["link"]).fragment)
    packed = link["f"][0] + "=" * (-len(link["f"][0]) % 4)
    assert zlib.decompress(urlsafe_b64decode(packed), -15).decode() == seen["linked"]
    assert seen["reopened"]["text"] == seen["linked"]
    assert seen["reopened"]["chosen"] == ["unet_original", "1x700x700", "fvcore"]
    assert seen["reopened"]["total"] == seen["sized"]


def test_a_damaged_or_swollen_link_opens_an_example(seen: dict[str, Any]) -> None:
    assert [text.partition("(")[0] for text in seen["damaged"]] == ["The link is damaged "] * 2
    assert "too large" in seen["damaged"][1]


def test_names_of_strangers_stay_text(seen: dict[str, Any]) -> None:
    found = seen["hostile"]
    assert found["ran"] is None
    assert found["elements"] == 0
    assert found["caption"].startswith('<img src=x onerror="hostile=1"><script>hostile=2</script>')
    assert found["names"] == ["a"]
    assert "'<svg onload=\"hostile=4\">'" in found["problems"][0]


def test_what_takes_too_long_is_ended_and_the_next_text_is_computed(seen: dict[str, Any]) -> None:
    assert seen["stopped"].startswith("Stopped. ")
    assert seen["late"].startswith("Stopped after 20 seconds: ")
    assert seen["after"] == "No problems"


def test_it_is_accessible_and_fits_at_390_and_1440_pixels_light_and_dark(
    seen: dict[str, Any],
) -> None:
    assert seen["axe"] == []
    assert seen["wide"] == []
