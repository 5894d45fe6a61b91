# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Who reads whom: ids, several inputs and outputs, paths, and shared weights."""

from __future__ import annotations

import pytest
from texts import HEAD, c, channels, example, paths, problems, read, report, shapes

from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target, TargetError

# --- references ------------------------------------------------------------------------------


def test_a_layer_reads_the_one_above_or_what_from_names() -> None:
    body = f"layers:\n- {c(4, ', id: a')}\n- {c(5)}\n- {c('in_channels', ', from: a')}\n- {c('in_channels', ', from: input')}\n- {{concat: [a, prev, input]}}\n- {{add: {{}}, from: [a, a]}}\n"
    assert channels(body) == [4, 5, 4, 3, 10, 4]


def test_an_id_of_a_composite_is_its_joined_tensor() -> None:
    body = f"layers:\n- {{residual: [{c(3)}], id: r}}\n- {{seq: [{c(5)}, relu], id: s}}\n- {{branches: [[], []], id: b}}\n- {{A: {{}}, id: z}}\n- concat: [r, s, b, z]\n"
    head = f"{HEAD}blocks:\n  A: [{c(2)}]\n"
    assert channels(body, head)[-1] == 3 + 5 + 10 + 2


def test_an_id_of_a_repeated_item_is_its_last_iteration() -> None:
    body = f"layers:\n- {c('i + 1', ', id: a, repeat: 3')}\n- {c('in_channels', ', from: a')}\n"
    assert channels(body) == [1, 2, 3, 3]
    one = f"layers:\n- {c('i + 1', ', id: a, repeat: 3')}\n- {{concat: ['a[0]', 'a[1]', 'a[2]']}}\n"
    assert channels(one)[-1] == 6


def test_iterations_that_were_left_out_are_not_counted() -> None:
    body = f"layers:\n- {c('n', ', id: a, for: {n: [1, 2, 3]}, if: n != 2')}\n- {{concat: ['a[0]', 'a[1]']}}\n"
    assert channels(body) == [1, 3, 4]


def test_layers_inside_are_addressed_by_dotted_paths() -> None:
    head = f"{HEAD}blocks:\n  A: [{c(4, ', id: inner')}, {c(5)}]\n"
    body = "layers:\n- A\n- {A: {}, id: x}\n- {seq: [relu, {seq: [tanh], id: t}], id: s}\n- concat: [A.inner, x.inner, x.conv, s.t.tanh, s.t]\n"
    assert channels(body, head)[-1] == 4 + 4 + 5 + 5 + 5


def test_there_are_no_references_downwards_and_so_no_cycles() -> None:
    assert problems("layers:\n- {relu: {}, from: b}\n- {relu: {}, id: b, from: input}\n") == [
        "unknown-name"
    ]
    assert problems("layers:\n- {relu: {}, from: a, id: a}\n") == ["unknown-name"]
    assert problems("layers:\n- {seq: [{relu: {}, from: a}], id: a}\n") == ["unknown-name"]


def test_ref_params_hand_tensors_into_blocks() -> None:
    head = (
        f"{HEAD}blocks:\n  Up:\n    params: {{c: int, skip: ref}}\n"
        f"    layers: [concat: [skip, prev, input], {c('c')}, {{Deep: {{t: skip}}}}]\n"
        "  Deep: {params: {t: ref}, layers: [{concat: [t, prev]}]}\n"
    )
    body = f"layers:\n- {c(4, ', id: e')}\n- {c(5, ', id: f')}\n- Up: {{c: 6, skip: e}}\n"
    assert channels(body, head)[-3:] == [14, 6, 10]
    loop = "- {Up: {c: 6, skip: s}, for: {s: [e, f]}}\n"
    assert channels(body + loop, head)[-6:] == [4 + 10 + 10, 6, 10, 5 + 10 + 10, 6, 11]
    for name, wide in (("prev", 10), ("input", 3)):
        last = channels(f"{body}- Up: {{c: 6, skip: {name}}}\n", head)
        assert last[-1] == 6 + wide


def test_loops_over_ids_work_for_from_and_for_inputs_too() -> None:
    body = f"layers:\n- {c(4, ', id: e')}\n- {c(5, ', id: f')}\n"
    assert channels(f"{body}- {{relu: {{}}, from: s, for: {{s: [e, f]}}}}\n")[-2:] == [4, 5]
    assert channels(f"{body}- {{concat: [prev, s], for: {{s: [e, f]}}}}\n")[-2:] == [9, 14]


@pytest.mark.parametrize(
    "item",
    [
        "{seq: [relu], from: [input, prev]}",
        "{A: {}, from: [input, prev]}",
        "{residual: [relu], from: [input, prev]}",
    ],
)
def test_a_second_input_is_never_dropped_silently(item: str) -> None:
    assert len(problems(f"blocks:\n  A: [relu]\nlayers:\n- tanh\n- {item}\n")) == 1


def test_a_ref_is_one_tensor() -> None:
    head = f"{HEAD}blocks:\n  Up: {{params: {{skip: ref}}, layers: [concat: [skip, prev]]}}\n"
    for skip in ("[e, prev]", "[]", "3", "{a: b}", "null"):
        assert (
            len(problems(f"layers:\n- {{relu: {{}}, id: e}}\n- Up: {{skip: {skip}}}\n", head)) == 1
        )


# --- several inputs, outputs -----------------------------------------------------------------

TWO = "convcalc: 1\nname: two\ninputs: {left: [3, 8, 8], right: [4, 8, 8]}\n"


def test_several_inputs_are_read_by_name() -> None:
    body = f"layers:\n- {c(5, ', from: left')}\n- {c(6, ', from: right, id: r')}\n- concat: [prev, r, left]\n"
    assert channels(body, TWO) == [5, 6, 15]
    assert channels("layers:\n- concat: [left, right]\n", TWO) == [7]


def test_composites_and_blocks_may_read_the_inputs_themselves() -> None:
    assert channels("layers:\n- seq: [{relu: {}, from: left}, tanh]\n", TWO) == [3, 3]
    head = f"{TWO}blocks:\n  Fuse: {{params: {{a: ref, b: ref}}, layers: [concat: [a, b]]}}\n"
    assert channels("layers:\n- Fuse: {a: left, b: right}\n", head) == [7]


def test_several_inputs_have_no_first_one() -> None:
    assert problems("layers:\n- relu\n", TWO) == ["missing-key"]
    assert problems("layers:\n- {relu: {}, from: left, if: false}\n- relu\n", TWO) == [
        "missing-key"
    ]
    assert problems("layers:\n- {relu: {}, from: input}\n", TWO) == ["unknown-name"]


def test_sizes_of_inputs_can_be_set() -> None:
    assert shapes("layers: [relu]\n", inputs=[5, 9, 7]) == ["5×9×7"]
    assert shapes("layers:\n- concat: [left, right]\n", TWO, inputs={"left": [9, 8, 8]}) == [
        "13×8×8"
    ]
    assert shapes("layers: [relu]\n", inputs=[3, None, 7]) == ["3×unknown×7"]
    with pytest.raises(TargetError):
        read("layers:\n- concat: [left, right]\n", TWO, inputs=[3, 8, 8])


def test_input_sizes_may_be_expressions() -> None:
    head = "convcalc: 1\nname: net\nparams: {n: 4, whole: [3, 8, 8]}\n"
    assert shapes("input: [n - 1, n*4, n**2]\nlayers: [relu]\n", head) == ["3×16×16"]
    assert shapes("input: whole\nlayers: [relu]\n", head) == ["3×8×8"]
    assert shapes("input: [n - 1, n*4]\nlayers: [relu]\n", head, params={"n": 5}) == ["4×20"]


def test_outputs_are_the_ids_listed_or_the_last_layer() -> None:
    body = f"layers:\n- {c(4, ', id: a')}\n- {c(5, ', id: b')}\n- {c(6)}\n"
    assert [str(s) for s in report(body).outputs.values()] == ["6×32×32"]
    listed = {name: s.channels for name, s in report(f"{body}outputs: [b, a]\n").outputs.items()}
    assert listed == {"b": 5, "a": 4}
    assert list(report(f"{body}outputs: a\n").outputs) == ["a"]
    for wrong in ("[c]", "[]", "{x: a}", "[{x: a}]", "[3]", "null"):
        assert len(problems(f"{body}outputs: {wrong}\n")) == 1, wrong


def test_the_batch_multiplies_work_and_not_parameters() -> None:
    one, four = report(f"layers:\n- {c(4)}\n"), report(f"layers:\n- {c(4)}\n", batch=4)
    assert four.totals.macs == 4 * one.totals.macs
    assert four.totals.params == one.totals.params
    assert four.layers[0].output.dims == (4, 4, 32, 32)


# --- paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[relu, tanh]", "relu tanh"),
        ("[relu, relu]", "relu[0] relu[1]"),
        ("[{relu: {}, repeat: 1}]", "relu[0]"),
        ("[{relu: {}, for: {n: [1]}}]", "relu[0]"),
        ("[{relu: {}, id: a}, relu]", "a relu"),
        ("[{relu: {}, id: a, repeat: 2}]", "a[0] a[1]"),
        ("[{relu: {}, id: relu}, relu]", "relu[0] relu[1]"),
        ("[{relu: {}, repeat: 2}, relu]", "relu[0] relu[1] relu[2]"),
        ("[seq: [relu], relu]", "relu[0] relu[1]"),
        ("[{seq: [relu, tanh], repeat: 2}]", "relu[0] tanh[0] relu[1] tanh[1]"),
        ("[{seq: [relu], id: s}]", "s.relu"),
        ("[{seq: [relu], id: s, repeat: 2}, relu]", "s[0].relu s[1].relu relu"),
        ("[residual: [relu]]", "relu add"),
        ("[{residual: [relu], id: r}]", "r.relu r.add"),
        ("[{residual: [relu], shortcut: [tanh]}]", "relu shortcut.tanh add"),
        (
            "[{residual: [relu], shortcut: [tanh]}, {residual: [], shortcut: [tanh]}]",
            "relu shortcut[0].tanh add[0] shortcut[1].tanh add[1]",
        ),
        (
            "[{residual: [relu], shortcut: [tanh]}, residual: []]",
            "relu shortcut.tanh add[0] add[1]",
        ),
        (
            "[{residual: [], shortcut: [tanh, tanh], id: r}]",
            "r.shortcut.tanh[0] r.shortcut.tanh[1] r.add",
        ),
        ("[branches: [[relu], [relu]]]", "branch[0].relu branch[1].relu concat"),
        ("[branches: [[], [relu]]]", "branch[1].relu concat"),
        (
            "[{branches: [[relu], [relu, relu]], id: b}]",
            "b.branch[0].relu b.branch[1].relu[0] b.branch[1].relu[1] b.concat",
        ),
        (
            "[{branches: [[relu], []], repeat: 2}]",
            "branch[0].relu concat[0] branch[2].relu concat[1]",
        ),
        ("[{branches: [[seq: [relu]], []], join: max}]", "branch[0].relu maximum"),
        ("[A, A]", "A[0].relu A[1].relu"),
        ("[{A: {}, id: a}, A]", "a.relu A.relu"),
        ("[{A: {}, repeat: 2}]", "A[0].relu A[1].relu"),
        ("[concat: [prev, input], {concat: [prev, input]}]", "concat[0] concat[1]"),
        ("[{branches: [[relu]]}, {concat: [input, input]}]", "branch[0].relu concat"),
    ],
)
def test_paths(layers: str, expected: str) -> None:
    assert paths(f"blocks:\n  A: [relu]\nlayers: {layers}\n") == expected.split()


def test_a_failed_sibling_keeps_its_number() -> None:
    body = f"layers:\n- {c(0)}\n- {{conv: {{out: 5, k: 1, g: 9}}, from: input}}\n- {{conv: {{out: 5, k: 1}}, from: nowhere}}\n- {c(5, ', from: input')}\n"
    network = read_network(Target("net.yaml", None, HEAD + body))
    assert [layer.path for layer in network.layers] == ["conv[3]"]


def test_paths_are_unique() -> None:
    for name in ("vgg16", "resnet50", "unet", "shufflenet_v2"):
        found = [layer.path for layer in example(name).layers]
        assert len(set(found)) == len(found)


# --- share -----------------------------------------------------------------------------------


def test_shared_weights_are_counted_once_and_used_each_time() -> None:
    body = f"layers:\n- {c(3, ', id: a')}\n- {c(3, ', share: a')}\n- {c(3, ', share: a')}\n"
    found = report(body)
    assert found.totals.params == 12
    assert found.totals.macs == 3 * 9 * 32 * 32
    assert [layer.shares for layer in found.layers] == ["", "a", "a"]
    assert [layer.params for layer in found.layers] == [12, 0, 0]


def test_weights_are_shared_at_other_sizes_of_the_image() -> None:
    body = f"layers:\n- {c(3, ', id: a')}\n- max_pool: {{k: 2, s: 2}}\n- {c(3, ', share: a')}\n"
    assert report(body).totals.params == 12


def test_blocks_and_composites_share_all_their_weights() -> None:
    head = f"{HEAD}blocks:\n  A: [{c(3, ', id: z')}, batch_norm, relu]\n"
    body = f"layers:\n- {{A: {{}}, id: a}}\n- {{A: {{}}, share: a, repeat: 2}}\n- {{seq: [{c(3)}, batch_norm], share: a}}\n- {c(3, ', share: a.z')}\n"
    found = report(body, head)
    assert (found.totals.params, found.totals.buffers) == (
        18,
        report("layers: [A]\n", head).totals.buffers,
    )


def test_what_is_shared_again_belongs_to_the_first() -> None:
    body = f"layers:\n- {c(3, ', id: a')}\n- {c(3, ', share: a, id: b')}\n- {c(3, ', share: b')}\n"
    assert [layer.shares for layer in report(body).layers] == ["", "a", "a"]


def test_sharing_inside_a_block_stays_within_each_call() -> None:
    head = f"{HEAD}blocks:\n  A: [{c(3, ', id: z')}, {c(3, ', share: z')}]\n"
    assert report("layers:\n- {A: {}, repeat: 3}\n", head).totals.params == 36


@pytest.mark.parametrize(
    "item",
    [
        "{conv: {out: 3, k: 3}, share: a}",
        "{conv: {out: 4, k: 1}, share: a}",
        "{conv: {out: 3, k: 1, bias: false}, share: a}",
        "{relu: {}, share: a}",
        "{batch_norm: {}, share: a}",
    ],
)
def test_weights_of_another_shape_cannot_be_shared(item: str) -> None:
    assert problems(f"layers:\n- {c(3, ', id: a')}\n- {item}\n") == ["share-mismatch"]


@pytest.mark.parametrize(
    "share", ["nowhere", "prev", "input", "self", "[a, a]", "3", "null", "{a: b}"]
)
def test_what_can_be_shared_is_a_layer_above(share: str) -> None:
    """Above all, a layer that shares with itself must not lose its parameters."""
    assert (
        len(problems(f"layers:\n- {c(3, ', id: a')}\n- {c(3, f', id: self, share: {share}')}\n"))
        == 1
    )


def test_iterations_do_not_share_with_themselves() -> None:
    assert len(problems(f"layers:\n- {c(3, ', id: a, share: a, repeat: 3')}\n")) == 1


def test_a_ref_param_that_names_an_input_has_no_weights() -> None:
    head = f"{HEAD}blocks:\n  A: {{params: {{t: ref}}, layers: [{c(3, ', share: t')}]}}\n"
    assert problems(f"layers:\n- {c(3, ', id: a')}\n- A: {{t: a}}\n", head) == []
    assert len(problems(f"layers:\n- {c(3)}\n- A: {{t: input}}\n", head)) == 1
    assert len(problems(f"layers:\n- {c(3)}\n- A: {{t: prev}}\n", head)) == 1


# --- all rounds of a loop ------------------------------------------------------------------------


def every(body: str) -> list[tuple[str, tuple[int, ...]]]:
    """The layers of a network on four channels, each with what it reads."""
    found = read_network(Target("net.yaml", None, f"convcalc: 1\ninput: [4, 8]\nlayers:\n{body}"))
    assert not found.problems, found.problems
    return [(layer.path, layer.inputs) for layer in found.layers]


def test_an_id_with_a_star_names_all_rounds_in_order() -> None:
    assert every("- {relu: {}, from: input, id: r, repeat: 3}\n- concat: [input, 'r[*]']\n")[
        -1
    ] == (
        "concat",
        (0, 1, 2, 3),
    )


def test_within_a_loop_it_names_the_rounds_so_far() -> None:
    body = "- seq: [{concat: [input, 'r[*]'], if: i > 0}, relu]\n  id: r\n  repeat: 3\n"
    assert every(body) == [
        ("r[0].relu", (0,)),
        ("r[1].concat", (0, 1)),
        ("r[1].relu", (2,)),
        ("r[2].concat", (0, 1, 3)),
        ("r[2].relu", (4,)),
    ]


UNITS = """convcalc: 1
input: [8, 16]
blocks:
  Unit:
    params: {d: int}
    layers:
    - {conv: {out: 8, k: 3, p: d, d: d}, id: body}
    - {conv: {out: 4, k: 1}, id: skip}
    - {conv: {out: 8, k: 1}, from: body}
  Stack: {params: {n: int}, layers: [{Unit: {d: 2**i}, repeat: n, id: unit}]}
  Joined: {params: {of: ref}, layers: [{concat: ["of.unit[*].skip"]}]}
layers:
- {Stack: {n: i + 2}, repeat: 2, id: stack}
"""


@pytest.mark.parametrize(
    ("item", "reads"),
    [
        ("add: ['stack[*].unit[*].skip']", ["00", "01", "10", "11", "12"]),
        ("concat: ['stack[1].unit[*].skip']", ["10", "11", "12"]),
        ("concat: ['stack[1].unit[1].skip', 'stack[0].unit[*].skip']", ["11", "00", "01"]),
        ("Joined: {of: 'stack[0]'}", ["00", "01"]),
    ],
)
def test_a_path_behind_a_star_is_that_of_each_round(item: str, reads: list[str]) -> None:
    found = read_network(Target("net.yaml", None, f"{UNITS}- {item}\n"))
    assert not found.problems, found.problems
    *_, last = found.layers
    paths = [found.layers[k - 1].path for k in last.inputs]  # 0 is the network's input
    assert paths == [f"stack[{a}].unit[{b}].skip" for a, b in reads]


def test_a_path_behind_a_star_must_be_there_in_each_round() -> None:
    found = read_network(Target("net.yaml", None, f"{UNITS}- concat: ['stack[1].unit[*].skib']\n"))
    (problem,) = found.problems
    assert problem.name == "unknown-name"
    assert "'stack[1].unit[0].skib'" in problem.message


def test_a_star_behind_what_is_no_loop_is_an_unknown_name() -> None:
    for body in ("- concat: [input, 'q[*]']\n", "- {relu: {}, id: q}\n- concat: [input, 'q[*]']\n"):
        found = read_network(
            Target("net.yaml", None, f"convcalc: 1\ninput: [4, 8]\nlayers:\n{body}")
        )
        assert [problem.name for problem in found.problems] == ["unknown-name"]


def test_a_failed_round_gives_one_error() -> None:
    body = "- {conv: {out: 4, k: 9}, id: q, repeat: 2}\n- concat: [input, 'q[*]']\n"
    found = read_network(Target("net.yaml", None, f"convcalc: 1\ninput: [4, 8]\nlayers:\n{body}"))
    assert len([p for p in found.problems if p.severity == "error"]) == 1
