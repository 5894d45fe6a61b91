"""What the second part of the language adds: sizes, functions, states of loops, layers by way of a
ref, recursion, sizes per axis, conditional outputs, and variants with another input."""

from __future__ import annotations

from typing import Any

import pytest
from problems import errors, marked
from small import network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network


def shapes(network: Network) -> list[str]:
    return [str(layer.analysis.output) for layer in network.layers]


def params(network: Network) -> int:
    return analyse(network).totals.params


def only_error(body: str) -> tuple[str, str]:
    (problem,) = errors(body)
    return problem.name, problem.message


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "written", "found"),
    [
        ([4, 10], "[length, positions*2]", "10×20"),
        ([4, 10, 6], "[height, width, positions]", "10×6×60"),
        ([4, 10, 6, 3], "[depth, height, width, positions]", "10×6×3×180"),
        ([4], "[positions]", "1"),
    ],
)
def test_an_expression_names_the_sizes_of_what_it_reads(
    sizes: list[int], written: str, found: str
) -> None:
    body = f"input: {sizes}\nlayers: [{{opaque: {{output: {written}, params: 0, macs: 0}}}}]\n"
    assert shapes(network_of_text(body)) == [found]


def test_sizes_are_those_of_what_from_names() -> None:
    body = "input: [4, 16, 8]\nlayers:\n- {conv: {out: 4, k: 2, s: 2}, id: a}\n"
    network = network_of_text(f"{body}- {{conv: {{out: height, k: 1}}, from: input}}\n")
    assert shapes(network)[-1] == "16×16×8"
    assert shapes(network_of_text(f"{body}- conv: {{out: height, k: 1}}\n"))[-1] == "8×8×4"
    loop = "- {conv: {out: height, k: 3, s: 2, p: 1}, repeat: width//2}\n"
    assert shapes(network_of_text(body + loop))[1:] == ["8×4×2", "4×2×1"]


def test_a_param_comes_before_a_size() -> None:
    body = "input: [4, 16, 8]\nparams: {width: 3}\nlayers: [{conv: {out: width, k: 1}}]\n"
    assert shapes(network_of_text(body)) == ["3×16×8"]


def test_a_size_with_its_prefix_clashes_with_no_param() -> None:
    body = "input: [4, 16, 8]\nparams: {width: 3}\nlayers: [{conv: {out: in_width*width, k: 1}}]\n"
    assert shapes(network_of_text(body)) == ["24×16×8"]


@pytest.mark.parametrize(
    ("params", "item", "hidden"),
    [
        ("width: 8", "opaque: {output: [4, height, width], macs: 1}", "width"),
        ("height: 8", "opaque: {output: [4, height, width], macs: 1}", "height"),
        ("width: 8", "opaque: {output: same, macs: 49*height*width}", "width"),
        ("width: 8", "B: {n: height*width}", "width"),
        ("depth: 8", "opaque: {output: [4, depth, height, width], macs: 1}", "depth"),
        ("width: 8", "opaque: {output: [4, height, width + in_width], macs: 1}", ""),
        ("width: 8", "opaque: {output: [width, in_height, in_width], macs: 1}", ""),
        ("width: 8, height: 8", "opaque: {output: [4, height, width], macs: 1}", ""),
        ("width: 8", "conv: {out: width, k: 1}", ""),
        ("depth: 3", "opaque: {output: [4*depth, height, width], macs: 1}", ""),
        ("width: 8", "B: {n: width, text: height*width}", ""),
        ("width: 8", "upsample: {size: [height, 2*width]}", "width"),
    ],
)
def test_a_param_that_hides_one_of_two_sizes_is_a_warning(
    params: str, item: str, hidden: str
) -> None:
    block = (
        "B: {params: {n: {default: 1, type: int}, text: {default: '', type: str}}, layers: [relu]}"
    )
    size = "[4, 8, 8, 8]" if params.startswith("depth: 8") else "[4, 8, 8]"
    body = f"input: {size}\nparams: {{{params}}}\nblocks: {{{block}}}\nlayers:\n- {item}\n"
    text = f"convcalc: 1\n{body}"
    found = read_network(Target("net.yaml", None, text)).problems
    assert [problem.name for problem in found] == ["hidden-size"][: len(hidden)]
    lines = text.split("\n")
    for problem in found:
        place = problem.place
        assert lines[place.line - 1][place.column - 1 : (place.end or 0) - 1] == hidden
        assert problem.help == f"'in_{hidden}' is always the size; or give the param another name"


def test_a_size_that_is_not_there_is_an_error_at_its_place() -> None:
    body = "layers: [{conv: {out: 2*length, k: 1}}]\n"
    assert only_error(body) == (
        "bad-expression",
        "there is no length: the input 3×32×32 has only height and width",
    )
    assert marked(body) == ["length"]
    flat = "layers: [flatten, {linear: {out: height}}]\n"
    assert "has no spatial axis" in only_error(flat)[1]
    assert only_error("params: {a: height}\nlayers: [relu]\n")[0] == "unknown-name"


def test_an_unknown_size_stays_unknown() -> None:
    body = "input: [4, null, 8]\nlayers: [{opaque: {output: [4, height*2, width], macs: 1}}]\n"
    assert shapes(network_of_text(body)) == ["4×unknown×8"]
    after = "layers: [{conv: {out: x, k: 1}}, {conv: {out: height, k: 1}}]\n"
    assert [problem.name for problem in errors(after)] == ["unknown-name"]


def test_numbers_that_follow_the_input_need_no_warning() -> None:
    body = (
        "convcalc: 1\ninput: [4, 16, 16]\nlayers: [{opaque: {output: %s, params: 0, macs: %s}}]\n"
    )
    for output, macs, rules in (
        ("[4, 16, 16]", "positions", ["declared-size-kept"]),
        ("[4, height, width]", "positions**2*4", []),
    ):
        target = Target("net.yaml", None, body % (output, macs))
        network = read_network(target, inputs=[4, 32, 32])
        assert [problem.name for problem in network.problems] == rules
    assert analyse(network).totals.macs == 32**4 * 4


def test_block_sizes_are_those_of_the_tensor_that_enters() -> None:
    body = """input: [6, 16, 8]
blocks:
  B:
    params: {c: block.in_channels*2, n: height}
    layers:
    - {conv: {out: c, k: 2, s: 2}}
    - {conv: {out: block.in_channels + block.height + n, k: 1}}
layers: [B]
"""
    assert shapes(network_of_text(body)) == ["12×8×4", "38×8×4"]
    assert only_error("layers: [{conv: {out: block.height, k: 1}}]\n")[0] == "unknown-name"
    assert only_error("layers: [{conv: {out: prev.height, k: 1}}]\n")[0] == "bad-expression"


# --- functions -----------------------------------------------------------------------------------

WIDTHS = """params: {width: 0.25, most: 1024}
functions:
  w(c): ceil(min(c, most)*width/8)*8
  twice(c): 2*w(c)
"""


def test_functions_of_a_file() -> None:
    body = f"""input: [3, 8, 8]
{WIDTHS}blocks:
  B: {{params: {{c: int}}, layers: [{{conv: {{out: w(c), k: 1}}}}]}}
layers:
- conv: {{out: w(64), k: 1}}
- B: {{c: 2000}}
- conv: {{out: twice(int(33.9)), k: 1}}
"""
    assert shapes(network_of_text(body)) == ["16×8×8", "256×8×8", "32×8×8"]


def test_params_may_use_functions_and_variants_change_them() -> None:
    body = """convcalc: 1
name: net
input: [3, 8, 8]
params: {width: 1, c: f(8)}
functions: {f(x): x*width}
variants: {wide: {width: 3}}
layers: [{conv: {out: c, k: 1}}]
"""
    for variant, found in ((None, "8×8×8"), ("wide", "24×8×8")):
        network = read_network(Target("net.yaml", variant, body))
        assert network.problems == ()
        assert shapes(network) == [found]


@pytest.mark.parametrize(
    ("declared", "used", "name", "words"),
    [
        ("f(x): y", "1", "unknown-name", "unknown name 'y'"),
        ("f(x): f(x)", "1", "unknown-name", "unknown function 'f()'"),
        ("f(x): g(x); g(x): x", "1", "unknown-name", "unknown function 'g()'"),
        ("f(x, x): x", "1", "duplicate-key", "has an argument twice"),
        ("min(x): x", "1", "duplicate-key", "is a function of the language"),
        ("f: 1", "1", "wrong-type", "is not the head of a function"),
        ("f(x): [1]", "1", "wrong-type", "needs an expression"),
        ("f(x): 1; f(y): 2", "1", "duplicate-key", "duplicate function 'f'"),
        ("f(x): x", "f(1, 2)", "bad-expression", "f(x) takes 1 of them, not 2 values"),
        ("f(x): x", "g(1)", "bad-expression", "there is no function 'g'"),
        ("f(x): 1/x", "f(0)", "bad-expression", "in f(x): 1 / 0 divides by zero"),
        ("f(x): x*height", "f(1)", "unknown-name", "unknown name 'height'"),
    ],
)
def test_what_is_wrong_with_a_function_is_said_where_it_is(
    declared: str, used: str, name: str, words: str
) -> None:
    lines = declared.replace("; ", "\n  ")
    body = f'functions:\n  {lines}\nlayers: [{{conv: {{out: "{used}", k: 1}}}}]\n'
    found = errors(body)
    assert [each.name for each in found] == [name]
    assert words in found[0].message


def test_the_caret_of_a_function_is_at_the_name() -> None:
    assert marked("functions:\n  w(c): 2*c*heigth\nlayers: [relu]\n") == ["heigth"]


def test_functions_that_call_each_other_too_often_are_refused() -> None:
    lines = ["  f0(x): x + 1"]
    lines += [f"  f{n}(x): f{n - 1}(x) + f{n - 1}(x)" for n in range(1, 40)]
    text = "\n".join(lines)
    found = errors(f"functions:\n{text}\nlayers: [{{conv: {{out: f39(1), k: 1}}}}]\n")
    assert found[0].name == "too-large"
    assert "'f9' makes 1,023 calls" in found[0].message


# --- states of loops -----------------------------------------------------------------------------


def test_carry_gives_the_first_round_its_states() -> None:
    body = """input: [3, 8, 8]
layers:
- {conv: {out: 2, k: 1}, id: h0}
- {conv: {out: 3, k: 1}, id: x}
- seq:
  - {concat: [h, x], id: both}
  - {conv: {out: i + 4, k: 1}, id: h}
  - {conv: {out: 3, k: 1}, from: both}
  repeat: 3
  carry: {h: h0}
- {conv: {out: 1, k: 1}, from: h}
"""
    network = network_of_text(body)
    assert [layer.analysis.output.channels for layer in network.layers] == (
        [2, 3, *[2 + 3, 4, 3], *[4 + 3, 5, 3], *[5 + 3, 6, 3], 1]
    )
    assert network.layers[-1].shapes[0].channels == 6


def test_a_loop_with_states_is_the_same_as_written_out() -> None:
    head = """input: [3, 8, 8]
blocks:
  Step: {params: {h: ref}, layers: [{concat: [input, h]}, {conv: {out: 3, k: 3, p: 1}}]}
layers:
- {conv: {out: 3, k: 1}, id: s}
"""
    looped = "- {Step: {h: t}, id: t, for: {k: [1, 3, 5]}, carry: {t: s}}\n"
    written = "- {Step: {h: s}, id: a}\n- {Step: {h: a}, id: b}\n- {Step: {h: b}, id: c}\n"
    assert shapes(network_of_text(head + looped)) == shapes(network_of_text(head + written))


@pytest.mark.parametrize(
    ("keys", "name", "words"),
    [
        ("carry: {h: a}", "unknown-key", "belongs to an item with 'repeat' or 'for'"),
        ("repeat: 2, carry: {g: a}", "unknown-name", "'carry' names 'g'"),
        ("repeat: 2, carry: {h: nosuch}", "unknown-name", "has the id 'nosuch'"),
        ("repeat: 2, carry: [h]", "wrong-type", "needs a mapping"),
        ("repeat: 2, carry: {h: 3}", "wrong-type", "needs the id of a layer"),
    ],
)
def test_what_is_wrong_with_carry(keys: str, name: str, words: str) -> None:
    loop = f"- {{seq: [{{conv: {{out: 3, k: 1}}, id: h}}], {keys}}}\n"
    found = errors(f"layers:\n- {{conv: {{out: 3, k: 1}}, id: a}}\n{loop}")
    assert [each.name for each in found] == [name]
    assert words in found[0].message


# --- layers by way of a ref ----------------------------------------------------------------------

HEADS = """input: [8, 16, 16]
blocks:
  Head:
    layers:
    - {depthwise_conv: {k: 3, p: 1}, id: dw}
    - {seq: [{conv: {out: 8, k: 1}, id: pw}], id: inner}
    - batch_norm
  Again:
    params: {of: ref}
    layers:
    - {depthwise_conv: {k: 3, p: 1}, share: of.dw}
    - {conv: {out: 8, k: 1}, share: of.inner.pw}
    - batch_norm
  Twice:
    params: {of: ref}
    layers: [{Again: {of: of}}, {add: [prev, of.inner]}]
layers:
- {Head: {}, id: first}
"""
ONE, NORM = 8 * 9 + 8 + 8 * 8 + 8, 16


@pytest.mark.parametrize(
    "body", ["- {Again: {of: first}, repeat: 3}\n", "- {Twice: {of: first}, repeat: 3}\n"]
)
def test_a_ref_shares_what_is_inside_the_layer_it_names(body: str) -> None:
    network = network_of_text(HEADS + body)
    assert params(network) == ONE + 4 * NORM


def test_a_ref_to_a_round_of_a_loop() -> None:
    body = HEADS.replace("- {Head: {}, id: first}", "- {Head: {}, id: level, repeat: 2}")
    network = network_of_text(
        f"{body}- {{Again: {{of: 'level[0]'}}}}\n- {{Again: {{of: level}}}}\n"
    )
    assert params(network) == 2 * ONE + 4 * NORM


def test_a_layer_that_a_ref_names_shares_its_weights() -> None:
    body = """input: [8, 16, 16]
blocks:
  Again: {params: {of: ref}, layers: [{conv: {out: 8, k: 1}, share: of}, batch_norm]}
layers:
- {conv: {out: 8, k: 1}, id: a}
- batch_norm
- Again: {of: a}
"""
    assert params(network_of_text(body)) == 8 * 8 + 8 + 4 * 8


def test_a_path_that_a_ref_does_not_have_is_an_error() -> None:
    for text in ("share: of.nosuch", "from: of.nosuch"):
        body = HEADS.removeprefix("input: [8, 16, 16]\n").replace("share: of.dw", text)
        (found,) = errors(
            f"{body}- {{Again: {{of: first}}}}\n", "convcalc: 1\ninput: [8, 16, 16]\n"
        )
        assert found.name == "unknown-name"
        assert "'of.nosuch'" in found.message


def test_for_walks_paths() -> None:
    body = """input: [8, 16, 16]
blocks:
  H: {layers: [{conv: {out: 8, k: 1}, id: c}, {conv: {out: 4, k: 1}, id: d}]}
layers:
- {H: {}, id: a}
- {conv: {out: 2, k: 1}, for: {x: [a.c, a.d, a]}, from: x, id: y}
"""
    network = network_of_text(body)
    assert [layer.shapes[0].channels for layer in network.layers[2:]] == [8, 4, 4]


# --- recursion -----------------------------------------------------------------------------------

DOWN = """input: [4, 64, 64]
blocks:
  Res: [{residual: [{conv: {out: in_channels, k: 3, p: 1}}]}]
"""
HOURGLASS = """  Hourglass:
    params: {n: int}
    layers:
    - branches:
      - [Res]
      - - {max_pool: {k: 2}}
        - Res
        - {Hourglass: {n: n - 1}, if: n > 1}
        - {Res: {}, if: n == 1}
        - Res
        - {upsample: {scale: 2}}
      join: add
"""


def written_out(n: int) -> str:
    """The same hourglass without recursion: blocks H1 to Hn."""
    inner = "Res" if n == 1 else f"H{n - 1}"
    body = f"[{{max_pool: {{k: 2}}}}, Res, {inner}, Res, {{upsample: {{scale: 2}}}}]"
    own = f"  H{n}: [{{branches: [[Res], {body}], join: add}}]\n"
    return (written_out(n - 1) if n > 1 else "") + own


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_block_that_calls_itself_is_the_same_as_written_out(n: int) -> None:
    one = network_of_text(f"{DOWN}{HOURGLASS}layers: [{{Hourglass: {{n: {n}}}}}]\n")
    other = network_of_text(f"{DOWN}{written_out(n)}layers: [H{n}]\n")
    assert shapes(one) == shapes(other)
    assert params(one) == params(other) == (4 * 4 * 9 + 4) * (3 * n + 1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("{A: {n: n - 1}}", "block-cycle"),  # no 'if': it would never end
        ("{A: {n: n}, if: n > 1}", "block-cycle"),
        ("{A: {n: n + 1}, if: n > 1}", "block-cycle"),
        ("{A: {n: n - 1}, if: n > -100}", "too-large"),
        ("{B: {n: n}, if: n > 1}", "block-cycle"),
    ],
)
def test_a_block_that_would_not_end_is_refused(call: str, name: str) -> None:
    blocks = f"  A: {{params: {{n: int}}, layers: [relu, {call}]}}\n"
    blocks += "  B: {params: {n: int}, layers: [{A: {n: n}}]}\n"
    found = errors(f"blocks:\n{blocks}layers: [{{A: {{n: 4}}}}]\n")
    assert name in [each.name for each in found]


def test_recursion_that_doubles_ends_at_the_limit_of_layers() -> None:
    call = "{A: {n: n - 1}, if: n > 1}"
    block = f"  A: {{params: {{n: int}}, layers: [relu, {call}, {call}]}}\n"
    body = f"blocks:\n{block}layers: [{{A: {{n: 30}}}}]\n"
    assert [each.name for each in errors(body)] == ["too-large"]


# --- sizes per axis, outputs, variants -----------------------------------------------------------


def test_a_size_is_an_int_or_one_per_axis() -> None:
    body = """input: [3, 8, 8, 8]
blocks:
  B: {params: {s: {default: 2, type: size, min: 1}}, layers: [{conv: {out: 4, k: 3, p: 1, s: s}}]}
layers: [B, {B: {s: [1, 2, 1]}}, {B: {s: 1}}]
"""
    assert shapes(network_of_text(body)) == ["4×4×4×4", "4×4×2×4", "4×4×2×4"]
    wrong = body.removeprefix("input: [3, 8, 8, 8]\n")
    head = "convcalc: 1\ninput: [3, 8, 8, 8]\n"
    for value in ("[1, 2.5, 1]", "[1, 0, 1]", "[true, 1, 1]", "2.5", "true", "0"):
        assert len(errors(wrong.replace("[1, 2, 1]", value), head)) == 1, value
    (found,) = errors(
        wrong.replace("{default: 2, type: size, min: 1}", "int").replace("[B, ", "["), head
    )
    assert found.help == "declare it with 'type: size', an int or one per axis"


OUTPUTS = """convcalc: 1
name: net
input: [3, 8, 8]
params: {train: false, c: 4}
variants:
  training: {train: true}
  large: {input: [3, 16, 16], c: 8}
  features: {outputs: [body]}
  two: {inputs: {a: [3, 4, 4], b: [3, 4, 4]}, outputs: [body, {id: aux, if: c > 4}]}
layers:
- {conv: {out: c, k: 1}, id: body, from: %s}
- {conv: {out: 2, k: 1}, id: aux}
- {conv: {out: 1, k: 1}, id: logits, from: body}
outputs: [logits, {id: aux, if: train}]
"""


@pytest.mark.parametrize(
    ("variant", "source", "found"),
    [
        (None, "input", {"logits": "1×8×8"}),
        ("training", "input", {"logits": "1×8×8", "aux": "2×8×8"}),
        ("large", "input", {"logits": "1×16×16"}),
        ("features", "input", {"body": "4×8×8"}),
        ("two", "a", {"body": "4×4×4"}),
    ],
)
def test_variants_and_conditions_choose_inputs_and_outputs(
    variant: str | None, source: str, found: dict[str, Any]
) -> None:
    network = read_network(Target("net.yaml", variant, OUTPUTS % source))
    assert [p for p in network.problems if p.severity == "error"] == []
    assert {name: str(network.shape(n)) for name, n in network.outputs.items()} == found


@pytest.mark.parametrize(
    ("outputs", "name"),
    [
        ("[{id: a, when: true}]", "unknown-key"),
        ("[{if: true}]", "missing-key"),
        ("[{id: a, if: 3}]", "wrong-type"),
        ("[{id: a, if: x > 1}]", "unknown-name"),
        ("[{id: nosuch, if: true}]", "unknown-name"),
    ],
)
def test_what_is_wrong_with_an_output(outputs: str, name: str) -> None:
    found = errors(f"layers: [{{relu: {{}}, id: a}}]\noutputs: {outputs}\n")
    assert [each.name for each in found] == [name]
