"""The reader of torch.export's programs, on small ones written by hand."""

from __future__ import annotations

import zipfile

import pytest
from importing.written import T, archive, graph, network, node, program

from convcalc.analysis.analyse import analyse
from convcalc.importing.foreign import Unreadable
from convcalc.importing.formats import detect
from convcalc.importing.formats.pt2.reader import open_model
from convcalc.importing.opening import read_target
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

CONV = node("conv2d", "y", input=T("x"), weight=T("p_w"), padding=[1, 1])
SIZES = {"x": [1, 3, 8, 8], "p_w": [4, 3, 3, 3], "y": [1, 4, 8, 8]}


def totals(found: Network) -> tuple[object, object, object]:
    """Parameters, buffers and MACs."""
    assert [each.name for each in found.problems if each.severity == "error"] == []
    counted = analyse(found).totals
    return counted.params, counted.buffers, counted.macs


# --- the file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", ["m/models/model.json", "models/model.json", "serialized_exported_program.json"]
)
@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_program_is_found_in_an_archive(entry: str, packed: int) -> None:
    content = archive({"m/byteorder": b"little", entry: program([CONV], SIZES, "y")}, packed)
    assert detect(content, "m.pt2") == "pt2"
    assert [n.op for n in open_model(content, "m.pt2").only.nodes] == ["Conv"]


def test_a_network_comes_of_a_file() -> None:
    found = read_target(
        Target("m.pt2", None, archive({"models/m.json": program([CONV], SIZES, "y")}))
    )
    assert totals(found) == (108, 0, 108 * 64)
    assert found.origin == "exported by PyTorch 2.13.0"


@pytest.mark.parametrize(
    "version", [{"major": 7, "minor": 3}, {"major": 9, "minor": 0}, None, "8", True]
)
def test_another_schema_is_refused_with_its_number(version: object) -> None:
    with pytest.raises(Unreadable, match=r"its schema is version .*PyTorch 2\.13.*only 8 is known"):
        open_model(program([CONV], SIZES, "y", version=version), "m.pt2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive({"other": b"x"}), "no program of torch.export"),
        (archive({"models/model.json": b"{"}), "not JSON: Expecting"),
        (archive({"models/model.json": b"[" * 100_000}), "not JSON: RecursionError"),
        (archive({"models/model.json": b"[]"}), "no graph"),
        (
            archive({"models/model.json": b"[" + b"[]," * 10**6 + b"0]"}),
            "more than 2,000,000 values",
        ),
        (archive({"models/model.json": b" " * 10_000_000}, zipfile.ZIP_DEFLATED), "200 to one"),
        (archive({"models/model.json": program([CONV], SIZES, "y")})[:-30], "cut off, perhaps"),
        (archive({"models/model.json": program([CONV], SIZES, "y")})[200:], "damaged"),
        (b"PK\x03\x04", "cut off, perhaps"),
    ],
)
def test_what_is_no_program_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        open_model(content, "m.pt2")


def test_a_list_of_entries_that_is_too_long_is_not_read() -> None:
    content = bytearray(archive({"models/model.json": program([CONV], SIZES, "y")}))
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (2**31).to_bytes(4, "little")
    with pytest.raises(Unreadable, match="larger than 64 MiB"):
        open_model(bytes(content), "m.pt2")


# --- where a node comes from -------------------------------------------------------------------


def test_the_users_own_line_is_the_place() -> None:
    trace = (
        'File "/home/me/lib/site-packages/torch/nn/modules/container.py", line 3, in forward\n'
        'File "/home/me/site-packages/nets/net.py", line 9, in forward\n'
        'File "/home/me/site-packages/nets/net.py", line 41, in forward_features\n'
        'File "/home/me/lib/site-packages/torch/nn/modules/conv.py", line 565, in forward'
    )
    made = node("conv2d", "y", trace=trace, input=T("x"), weight=T("p_w"), padding=[1, 1])
    assert graph([made], SIZES, "y").nodes[0].place.element == "node y, nets/net.py:41"


@pytest.mark.parametrize(
    ("modules", "weight", "form"),
    [
        ("a=torch.nn.modules.conv.Conv2d", "a.weight", ""),
        ("a=nets.StdConv", "a.weight", "subclass"),
        ("a=nets.Net", "kernels", "function"),
        ("a=torch.nn.modules.container.Sequential", "other.weight", "function"),
    ],
)
def test_the_form_of_a_layer_follows_from_its_module(modules: str, weight: str, form: str) -> None:
    made = node("conv2d", "y", modules, input=T("x"), weight=T("p_w"), padding=[1, 1])
    found = network([made], SIZES, "y", stored={"p_w": weight})
    assert found.layers[0].form == form


def test_two_layers_of_one_module_are_functions() -> None:
    own = "a=torch.nn.modules.activation.MultiheadAttention"
    nodes = [node("relu", "y", own, self=T("x")), node("relu", "z", own, self=T("y"))]
    found = network(nodes, {"x": [1, 3, 8, 8], "y": [1, 3, 8, 8], "z": [1, 3, 8, 8]}, "z")
    assert [layer.form for layer in found.layers] == ["function", "function"]


# --- weights -----------------------------------------------------------------------------------


def test_a_convolution_that_runs_twice_has_its_weights_once() -> None:
    nodes = [
        node("conv2d", "y", input=T("x"), weight=T("p_w"), bias=T("p_b"), padding=[1, 1]),
        node("conv2d", "z", input=T("y"), weight=T("p_w"), bias=T("p_b"), padding=[1, 1]),
    ]
    sizes = {
        "x": [1, 3, 8, 8],
        "p_w": [3, 3, 3, 3],
        "p_b": [3],
        "y": [1, 3, 8, 8],
        "z": [1, 3, 8, 8],
    }
    assert totals(network(nodes, sizes, "z")) == (84, 0, 2 * 81 * 64)


def test_equal_weights_of_two_convolutions_are_not_shared() -> None:
    nodes = [
        node("conv2d", "y", input=T("x"), weight=T("p_w"), padding=[1, 1]),
        node("conv2d", "z", input=T("y"), weight=T("p_v"), padding=[1, 1]),
    ]
    sizes = {"x": [1, 3, 8, 8], "p_w": [3, 3, 3, 3], "p_v": [3, 3, 3, 3]}
    sizes |= {"y": [1, 3, 8, 8], "z": [1, 3, 8, 8]}
    assert totals(network(nodes, sizes, "z")) == (162, 0, 2 * 81 * 64)


def test_a_weight_that_is_computed_from_two_counts_both() -> None:
    """Gains times a kernel: 108 and 4 parameters, of which the convolution itself counts 108."""
    nodes = [
        node("mul.Tensor", "w", self=T("p_w"), other=T("p_g")),
        node("conv2d", "y", input=T("x"), weight=T("w"), padding=[1, 1]),
    ]
    sizes = {**SIZES, "p_g": [4, 1, 1, 1], "w": [4, 3, 3, 3]}
    assert totals(network(nodes, sizes, "y")) == (112, 0, 108 * 64)


def test_a_table_that_is_read_by_an_index_counts_once_with_the_index() -> None:
    """Relative positions: a table of 9 biases for 2 heads, read by an index of 4×4 numbers."""
    nodes = [
        node("index.Tensor", "t", self=T("p_t"), indices=[T("b_i")]),
        node("permute", "u", self=T("t"), dims=[2, 0, 1]),
        node(
            "scaled_dot_product_attention",
            "y",
            query=T("x"),
            key=T("x"),
            value=T("x"),
            attn_mask=T("u"),
        ),
    ]
    sizes = {"x": [1, 2, 4, 8], "p_t": [9, 2], "b_i": [4, 4], "t": [4, 4, 2], "u": [2, 4, 4]}
    assert totals(network(nodes, {**sizes, "y": [1, 2, 4, 8]}, "y")) == (18, 16, 2 * 2 * 4 * 4 * 8)


def test_a_filter_in_a_buffer_is_no_parameter() -> None:
    made = node("conv2d", "y", input=T("x"), weight=T("b_f"), padding=[1, 1], groups=3)
    sizes = {"x": [1, 3, 8, 8], "b_f": [3, 1, 3, 3], "y": [1, 3, 8, 8]}
    assert totals(network([made], sizes, "y")) == (0, 27, 27 * 64)


def test_parameters_that_no_node_reads_are_said_and_left_out() -> None:
    found = graph([CONV], {**SIZES, "p_aux": [10, 4]}, "y")
    assert found.description.endswith("40 parameters that it does not use are left out")
    assert totals(network([CONV], {**SIZES, "p_aux": [10, 4]}, "y"))[0] == 108


# --- operators ---------------------------------------------------------------------------------


def test_sizes_that_contradict_the_file_are_found() -> None:
    found = network([CONV], {**SIZES, "y": [1, 4, 7, 8]}, "y")
    assert [each.name for each in found.problems] == ["contradicts-file"]
    assert found.problems[0].place.element == "node y"


def test_what_has_no_rule_keeps_its_sizes_and_has_unknown_work() -> None:
    nodes = [node("sort", "y", self=T("x")), node("relu", "z", self=T("y"))]
    sizes = {name: [1, 3, 8, 8] for name in "xyz"}
    found = network(nodes, sizes, "z")
    assert [each.name for each in found.problems] == ["unmapped-operator"]
    assert str(analyse(found).totals.macs) == "unknown"
    assert str(found.shape(found.outputs["z"])) == "3×8×8"


def test_training_mode_is_no_batch_norm_by_running_statistics() -> None:
    made = node("batch_norm", "y", input=T("x"), weight=T("p_w"), bias=T("p_w"), training=True)
    found = network([made], {"x": [1, 3, 8, 8], "p_w": [3], "y": [1, 3, 8, 8]}, "y")
    assert "exported in training mode" in found.problems[0].message


def test_arguments_that_are_left_out_have_the_defaults_of_aten() -> None:
    """A pooling steps by its kernel; a convolution by one, without padding."""
    nodes = [
        node("conv2d", "y", input=T("x"), weight=T("p_w")),
        node("max_pool2d", "z", self=T("y"), kernel_size=[2, 2]),
        node("avg_pool2d", "u", self=T("z"), kernel_size=[3]),
    ]
    sizes = {**SIZES, "y": [1, 4, 6, 6], "z": [1, 4, 3, 3], "u": [1, 4, 1, 1]}
    assert totals(network(nodes, sizes, "u")) == (108, 0, 108 * 36)


@pytest.mark.parametrize(
    ("equation", "other", "output", "macs"),
    [
        ("bchw,oc->bohw", [5, 3], [1, 5, 8, 8], 5 * 3 * 64),
        ("bchw,bchv->bcwv", [1, 3, 8, 6], [1, 3, 8, 6], 3 * 8 * 8 * 6),
        ("bchw,bdhw->bcd", [1, 2, 8, 8], [1, 3, 2], 3 * 2 * 64),
    ],
)
def test_einsum_is_a_product_by_its_letters(
    equation: str, other: list[int], output: list[int], macs: int
) -> None:
    """MACs are the product of the sizes of all letters."""
    left = other[0] != 1
    name = "p_o" if left else "o"
    nodes = [] if left else [node("expand", "o", self=T("x"), size=other)]
    if not left:
        nodes = [
            node("conv2d", "h", input=T("x"), weight=T("p_k")),
            node("slice.Tensor", "o", self=T("h"), dim=3, start=0, end=other[3]),
        ]
    made = node("einsum", "y", equation=equation, tensors=[T("x"), T(name)])
    sizes: dict[str, list[int]] = {"x": [1, 3, 8, 8], name: other, "y": output}
    extra = 0
    if not left:
        sizes |= {"p_k": [other[1], 3, 1, 1], "h": [1, other[1], 8, 8]}
        extra = other[1] * 3 * 64
    assert totals(network([*nodes, made], sizes, "y"))[2] == macs + extra


def test_a_roll_is_two_parts_in_another_order() -> None:
    found = network(
        [node("roll", "y", self=T("x"), shifts=[-3], dims=[2])],
        {"x": [1, 3, 8, 8], "y": [1, 3, 8, 8]},
        "y",
    )
    assert [(layer.name, str(layer.analysis.output)) for layer in found.layers] == [
        ("slice", "3×5×8"),
        ("slice", "3×3×8"),
        ("concat", "3×8×8"),
    ]


def test_unknown_sizes_follow_the_input() -> None:
    """A program that was exported with a symbolic height keeps it."""
    nodes = [
        CONV,
        node("flatten.using_ints", "z", self=T("y"), start_dim=2),
        node("conv1d", "u", input=T("z"), weight=T("p_v")),
    ]
    sizes = {"x": [1, 3, None, 8], "p_w": [4, 3, 3, 3], "p_v": [4, 4, 1]}
    sizes |= {"y": [1, 4, None, 8], "z": [1, 4, None], "u": [1, 4, None]}
    found = graph(nodes, sizes, "u")
    assert found.inputs["x"].dims == (1, 3, None, 8)
    content = program(nodes, sizes, "u")
    wide = read_target(Target("m.pt2", None, content, format="pt2"), inputs=[3, 6, 8])
    assert str(wide.shape(wide.outputs["u"])) == "4×48"


# --- writing in place --------------------------------------------------------------------------


def test_an_activation_in_place_is_what_comes_after() -> None:
    nodes = [
        node("relu_", "r", self=T("x")),
        node("conv2d", "y", input=T("x"), weight=T("p_w"), padding=[1, 1]),
    ]
    found = network(nodes, {**SIZES, "r": [1, 3, 8, 8]}, "y")
    assert [layer.name for layer in found.layers] == ["relu", "conv"]
    assert found.layers[1].inputs == (1,)


def test_who_reads_a_tensor_after_a_part_of_it_was_written_reads_both() -> None:
    nodes = [
        node("relu", "a", self=T("x")),
        node("slice.Tensor", "s", self=T("a"), dim=1, start=0, end=1),
        node("tanh", "g", self=T("s")),
        node("mul_.Tensor", "m", self=T("s"), other=T("g")),
        node("conv2d", "y", input=T("a"), weight=T("p_w"), padding=[1, 1]),
    ]
    sizes = {**SIZES, "a": [1, 3, 8, 8]} | {name: [1, 1, 8, 8] for name in "sgm"}
    found = network(nodes, sizes, "y")
    names = [layer.name for layer in found.layers]
    assert names == ["relu", "channel_slice", "tanh", "mul", "opaque", "conv"]
    whole = found.layers[4]
    assert whole.inputs == (1, 4)
    assert totals(found)[2] == 108 * 64


def test_a_part_that_is_written_and_never_read_through_the_whole_costs_nothing() -> None:
    nodes = [
        node("relu", "a", self=T("x")),
        node("slice.Tensor", "s", self=T("a"), dim=1, start=0, end=1),
        node("add_.Tensor", "m", self=T("s"), other=1.0),
    ]
    sizes = {"x": [1, 3, 8, 8], "a": [1, 3, 8, 8]} | {name: [1, 1, 8, 8] for name in "sm"}
    assert [layer.name for layer in network(nodes, sizes, "m").layers] == [
        "relu",
        "channel_slice",
        "elementwise",
    ]


def test_constants_are_written_out_up_to_a_limit_in_all() -> None:
    count = 40
    nodes = [node("arange", f"a{n}", end=65_536) for n in range(count)]
    sizes = {"x": [1, 3], **{f"a{n}": [65_536] for n in range(count)}}
    found = graph(nodes, sizes, "x").constants
    written = [name for name in found if found[name].data is not None]
    assert len(written) == 2**21 // 65_536
    assert found["a39"].dims == (65_536,)


# --- parts of a sample as a batch --------------------------------------------------------------


def test_heads_that_are_a_batch_are_worked_on_with_the_same_weights() -> None:
    """Two halves of the channels as two samples: the MACs of both, the weights of one."""
    nodes = [
        node("view", "v", self=T("x"), size=[2, 3, 8, 8]),
        node("conv2d", "c", input=T("v"), weight=T("p_w"), bias=T("p_b"), padding=[1, 1]),
        node("view", "y", self=T("c"), size=[1, 8, 8, 8]),
        node("conv2d", "z", input=T("y"), weight=T("p_v")),
    ]
    sizes = {"x": [1, 6, 8, 8], "v": [2, 3, 8, 8], "p_w": [4, 3, 3, 3], "p_b": [4]}
    sizes |= {"c": [2, 4, 8, 8], "y": [1, 8, 8, 8], "p_v": [2, 8, 1, 1], "z": [1, 2, 8, 8]}
    assert totals(network(nodes, sizes, "z")) == (112 + 16, 0, 2 * 108 * 64 + 16 * 64)


def test_channels_of_parts_are_pooled_side_by_side() -> None:
    nodes = [
        node("view", "v", self=T("x"), size=[30, 2, 8, 8]),
        node("avg_pool2d", "p", self=T("v"), kernel_size=[2, 2]),
        node("view", "y", self=T("p"), size=[1, 60, 4, 4]),
        node("relu", "z", self=T("y")),
    ]
    sizes = {"x": [1, 60, 8, 8], "v": [30, 2, 8, 8], "p": [30, 2, 4, 4]}
    found = network(nodes, sizes | {"y": [1, 60, 4, 4], "z": [1, 60, 4, 4]}, "z")
    assert [layer.name for layer in found.layers] == ["avg_pool", "relu"]
    assert totals(found) == (0, 0, 0)


def test_matrices_of_which_some_axes_are_repeated_are_larger_matrices() -> None:
    """Queries of 4 heads times one matrix for each of 16 positions, as in lambda layers."""
    nodes = [
        node("view", "q", self=T("x"), size=[1, 4, 8, 16]),
        node("permute", "r", self=T("q"), dims=[0, 3, 1, 2]),
        node("matmul", "y", self=T("r"), other=T("p_m")),
    ]
    sizes = {"x": [1, 32, 4, 4], "q": [1, 4, 8, 16], "r": [1, 16, 4, 8], "p_m": [16, 8, 5]}
    found = network(nodes, {**sizes, "y": [1, 16, 4, 5]}, "y")
    assert totals(found) == (16 * 8 * 5, 0, 16 * 4 * 8 * 5)


# --- recurrent layers, sampling, masks ---------------------------------------------------------


def test_a_recurrent_layer_has_the_weights_of_both_directions() -> None:
    """MACs per step and direction: 4·5 rows of 3 + 5 columns."""
    weights = {"p_i": [20, 3], "p_h": [20, 5], "p_a": [20], "p_b": [20]}
    back = {f"{name}r": dims for name, dims in weights.items()}
    made = node(
        "lstm.input",
        ["y", "h", "c"],
        input=T("x"),
        hx=[T("x"), T("x")],
        params=[T(name) for name in (*weights, *back)],
        has_biases=True,
        num_layers=1,
        bidirectional=True,
        batch_first=True,
    )
    sizes = {"x": [1, 7, 3], **weights, **back, "y": [1, 7, 10], "h": [2, 1, 5], "c": [2, 1, 5]}
    found = network([made], {**sizes, "x": [1, 7, 3]}, "y")
    assert totals(found) == (2 * (60 + 100 + 40), 0, 7 * 2 * 20 * 8)


def test_a_fixed_mask_costs_an_operation_for_each_element() -> None:
    made = node("masked_fill.Scalar", "y", self=T("x"), mask=T("b_m"), value=0.0)
    found = network([made], {"x": [1, 3, 8, 8], "b_m": [8, 8], "y": [1, 3, 8, 8]}, "y")
    assert analyse(found).totals.elementwise == 192
    assert totals(found) == (0, 64, 0)


def test_a_mask_that_is_computed_is_not_guessed() -> None:
    nodes = [
        node("gt.Scalar", "m", self=T("x"), other=0.5),
        node("where.self", "y", condition=T("m"), self=T("x"), other=T("x")),
    ]
    sizes = {name: [1, 3, 8, 8] for name in "xmy"}
    found = network(nodes, sizes, "y")
    assert {each.name for each in found.problems} == {"unmapped-operator"}


def test_dropout_is_a_layer_at_its_rate() -> None:
    nodes = [
        node("dropout", "d", input=T("x"), p=0.2, train=False),
        node("dropout_", "y", self=T("d"), p=0.0, train=False),
    ]
    found = network(nodes, {name: [1, 3, 8, 8] for name in "xdy"}, "y")
    assert [(layer.name, layer.operator.rate) for layer in found.layers] == [("dropout", 0.2)]


def test_halves_of_a_buffer_are_one_buffer() -> None:
    """Sines and cosines of rotary positions, stored side by side."""
    nodes = [
        node("chunk", ["s", "c"], self=T("b_e"), chunks=2, dim=-1),
        node("mul.Tensor", "m", self=T("x"), other=T("s")),
        node("mul.Tensor", "y", self=T("m"), other=T("c")),
    ]
    sizes = {"x": [1, 2, 4, 8], "b_e": [4, 16], "s": [4, 8], "c": [4, 8]}
    found = network(nodes, {**sizes, "m": [1, 2, 4, 8], "y": [1, 2, 4, 8]}, "y")
    assert totals(found) == (0, 64, 0)


def test_parts_of_a_parameter_count_once() -> None:
    """Each scales another tensor: weights of a sum."""
    nodes = [
        node("slice.Tensor", "a", self=T("p_w"), dim=0, start=0, end=1),
        node("slice.Tensor", "b", self=T("p_w"), dim=0, start=1, end=2),
        node("mul.Tensor", "m", self=T("x"), other=T("a")),
        node("mul.Tensor", "n", self=T("x"), other=T("b")),
        node("add.Tensor", "y", self=T("m"), other=T("n")),
    ]
    sizes = {"p_w": [2], "a": [1], "b": [1]} | {key: [1, 3, 8, 8] for key in "xmny"}
    found = network(nodes, sizes, "y")
    assert not found.problems
    assert totals(found) == (2, 0, 0)


def test_a_computed_kernel_has_known_work() -> None:
    nodes = [
        node("conv2d", "w", input=T("x"), weight=T("p_w"), padding=[1, 1]),
        node("view", "v", self=T("w"), size=[2, 3, 8, 8]),
        node("conv2d", "y", input=T("x"), weight=T("v"), padding=[4, 4], stride=[2, 2]),
    ]
    sizes = {"x": [1, 3, 8, 8], "p_w": [6, 3, 3, 3], "w": [1, 6, 8, 8], "v": [2, 3, 8, 8]}
    found = network(nodes, {**sizes, "y": [1, 2, 5, 5]}, "y")
    assert not found.problems
    assert totals(found) == (162, 0, 162 * 64 + 2 * 3 * 64 * 25)
