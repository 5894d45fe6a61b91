"""``functional`` and ``subclass``: what a layer is in code, and for which layers that is said."""

from __future__ import annotations

import pytest
from measured import amount
from problems import errors
from small import network_of_text

from convcalc import Builder
from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

TOOLS = (
    *("thop.macs", "ptflops.macs", "calflops.flops", "fvcore.flops"),
    *("thop-ultralytics.macs", "torchinfo.macs"),
)


def forms(body: str) -> list[str]:
    return [layer.form for layer in network_of_text(f"input: [4, 8, 8]\n{body}").layers]


def one(item: str, params: str = "") -> list[str]:
    return forms(f"{params}layers: [{item}]\n")


# --- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("", ""),
        (", functional: true", "function"),
        (", functional: method", "method"),
        (", functional: false", ""),
        (", subclass: true", "subclass"),
        (", subclass: false", ""),
        (", subclass: container", "container"),
    ],
)
def test_an_item_says_what_it_is_in_code(written: str, form: str) -> None:
    assert one(f"{{relu: {{}}{written}}}") == [form]


def test_the_value_may_be_an_expression() -> None:
    params = "params: {called: true, n: 3}\n"
    assert one("{relu: {}, functional: called}", params) == ["function"]
    assert one("{relu: {}, functional: n > 3}", params) == [""]
    assert one("{relu: {}, subclass: not called}", params) == [""]
    assert one("{relu: {}, functional: i > 0, repeat: 3}") == ["", "function", "function"]
    loop = "{relu: {}, functional: f, for: {f: [true, false]}}"
    assert one(loop) == ["function", ""]


def test_method_is_a_word_whatever_a_param_is_called() -> None:
    assert one("{relu: {}, functional: method}", "params: {method: false}\n") == ["method"]


def test_an_expression_may_name_the_words() -> None:
    item = "{relu: {}, functional: method if n > 3 else n > 2, for: {n: [2, 3, 4]}}"
    assert one(item) == ["", "function", "method"]
    written = "{relu: {}, subclass: container if 2 > 1 else false}"
    assert one(written, "params: {container: false}\n") == ["container"]
    (problem,) = errors("layers: [{relu: {}, functional: container if 1 > 2 else false}]\n")
    assert problem.message == "unknown name 'container'"


# --- for which layers ----------------------------------------------------------------------------


def test_it_holds_for_all_layers_inside() -> None:
    assert one("{seq: [relu, {seq: [tanh]}], functional: true}") == ["function"] * 2
    assert one("{residual: [relu], subclass: true}") == ["subclass"] * 2  # and the addition
    assert one("{branches: [[relu], [tanh]], functional: true}") == ["function"] * 3
    assert one("{relu: {}, repeat: 2, functional: method}") == ["method"] * 2


def test_it_holds_for_a_block_and_the_blocks_that_it_calls() -> None:
    blocks = "blocks:\n  A: {layers: [relu]}\n  B: {layers: [{A: {}}, tanh]}\n"
    assert forms(f"{blocks}layers: [{{B: {{}}, functional: true}}, relu]\n") == [
        *("function", "function", "")
    ]


def test_the_inner_statement_wins() -> None:
    inner = "{relu: {}, functional: false}, {relu: {}, subclass: true}, relu"
    assert one(f"{{seq: [{inner}], functional: true}}") == ["", "subclass", "function"]


EXCITE = "squeeze_excite: {squeeze_channels: 2}"


def test_parts_of_an_operator_have_forms_of_their_own() -> None:
    assert one(f"{{{EXCITE}, functional: {{pool: method}}}}") == ["pool: method"]
    mixed = "functional: {pool: method, activation: called, reduce: false}"
    assert one(f"{{{EXCITE}, {mixed}}}", "params: {called: true}\n") == (
        ["pool: method, activation: function"]
    )
    assert one(f"{{{EXCITE}, functional: {{pool: false}}}}") == [""]
    assert one(f"{{seq: [{{{EXCITE}, subclass: {{pool: true}}}}], functional: true}}") == (
        ["pool: subclass"]
    )


def test_parts_are_those_of_one_operator() -> None:
    (problem,) = errors(f"layers: [{{{EXCITE}, functional: {{pol: true}}}}]\n")
    assert problem.message == "'functional' names 'pol', but 'squeeze_excite' has no such part"
    assert problem.help == "use 'pool'"
    (problem,) = errors("layers: [{seq: [relu], functional: {relu: true}}]\n")
    assert problem.message == "'functional' names 'relu', but 'seq' has no such part"


def test_tools_see_the_parts_by_their_forms() -> None:
    """The mean of a squeeze and excitation: a module counts for all three, a method for none."""
    whole, part = (
        network_of_text(f"input: [4, 8, 8]\nlayers: [{{{EXCITE}{form}}}]\n")
        for form in ("", ", functional: {pool: method}")
    )
    differences = {name: amount(whole, name) - amount(part, name) for name in TOOLS}
    # thop: E + O, ptflops: 2·E, calflops and fvcore: E, ultralytics-thop: taps + O
    assert differences == dict(zip(TOOLS, (260, 512, 256, 256, 260, 0), strict=True))


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "rule", "message"),
    [
        ("functional: 1", "wrong-type", "'functional' is 1, but must be one of: true, false, "
         "method"),
        ("subclass: 2", "wrong-type", "'subclass' is 2, but must be one of: true, false, "
         "container"),
        ("functional: methods", "unknown-name", "unknown name 'methods'"),
        ("subclass: method", "unknown-name", "unknown name 'method'"),
        ("functional: true, subclass: true", "unknown-key", "a layer is 'functional' or a "
         "'subclass', not both"),
        ("functionl: true", "unknown-key", "unknown key 'functionl' beside 'relu'"),
        ("functional: [true]", "wrong-type", "'functional' is [true], but must be one of: true, "
         "false, method"),
        ("functional: {a: true}", "unknown-name", "'functional' names 'a', but 'relu' has no such "
         "part"),
        ("functional: {a: 1}", "wrong-type", "'functional' is 1, but must be one of: true, false, "
         "method"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_error(written: str, rule: str, message: str) -> None:
    (problem,) = errors(f"layers: [{{relu: {{}}, {written}}}]\n")
    assert (problem.name, problem.message) == (rule, message)


def test_a_value_that_depends_on_an_unknown_size_is_an_error() -> None:
    body = "input: [4, null, null]\nlayers: [{relu: {}, functional: height > 3}]\n"
    network = read_network(Target("<test>", None, f"convcalc: 1\n{body}".encode()))
    (problem,) = (each for each in network.problems if each.severity == "error")
    assert problem.message == "'height' is not known"


# --- what it changes -----------------------------------------------------------------------------


def test_it_changes_no_number_of_convcalcs_own() -> None:
    layers = "[{conv: {out: 8, k: 3, p: 1}}, batch_norm, relu, global_avg_pool, {linear: {out: 2}}]"
    reports = [
        analyse(network_of_text(f"input: [3, 8, 8]\nlayers: [{{seq: {layers}{written}}}]\n"))
        for written in ("", ", functional: true", ", functional: method", ", subclass: true")
    ]
    plain, *others = reports
    for other in others:
        assert other.totals.counts == plain.totals.counts
        assert other.totals.memory == plain.totals.memory
        assert other.receptive_field == plain.receptive_field


def test_the_builder_takes_a_form_too() -> None:
    builder = Builder()
    x = builder.input("image", [3, 8, 8])
    y = builder.add("relu", x, form="method")
    assert [layer.form for layer in builder.network([y]).layers] == ["method"]
    with pytest.raises(ValueError, match="the form of 'relu' is none of function, method, subc"):
        builder.add("relu", x, form="functional")
