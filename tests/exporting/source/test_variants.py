"""Several models as one file: each is read again as its variant."""

from __future__ import annotations

import pytest
from exporting.imported import again, source

import convcalc
from convcalc.exporting.source.alignment import Misfit
from convcalc.language.file_facts import NetworkFile
from convcalc.model.graph.network import Group, Network


def network(name: str, width: int, depths: list[int], classes: int = 10) -> NetworkFile:
    """A network of residual stages, in which the width of a stage is twice that of the last."""
    builder = convcalc.Builder(name)
    x = builder.input("image", [3, 64, 64])
    x = builder.add("conv", x, k=3, p=1, out=width, path="stem")
    for index, depth in enumerate(depths):
        stage = Group(f"stages.{index}", "Stage")
        path = f"{stage.path}.down"
        x = builder.add("conv", x, k=2, s=2, out=width << index, path=path, composites=[stage])
        for number in range(depth):
            inner = [stage, Group(f"{stage.path}.{number}", "Unit")]
            place = inner[1].path
            y = builder.add(
                "conv", x, k=3, p=1, out=width << index, path=f"{place}.conv", composites=inner
            )
            y = builder.add("relu", y, path=f"{place}.act", composites=inner)
            x = builder.add("add", [y, x], path=f"{place}.add", composites=inner)
    x = builder.add("global_avg_pool", x, path="pool")
    builder.add("linear", x, out=classes, path="head")
    values = {key: getattr(builder.network(), key) for key in Network.record_fields}
    return NetworkFile(**values)


def shapes(found: Network) -> list[tuple[str, tuple[int, ...], object]]:
    return [(layer.name, layer.inputs, layer.analysis.weights) for layer in found.layers]


def test_the_first_is_the_base_and_each_other_a_variant() -> None:
    small, large = network("n", 8, [1, 2, 2]), network("s", 16, [1, 2, 2])
    written = source(small, large)
    assert written.fallbacks == ()
    assert shapes(again(written.text)) == shapes(small)
    assert shapes(again(written.text, "s")) == shapes(large)


def test_depths_may_differ_too() -> None:
    models = [network("n", 8, [1, 2, 1]), network("m", 12, [2, 4, 2]), network("x", 12, [3, 6, 3])]
    written = source(*models)
    for model in models:
        variant = model.name if model.name != "n" else None
        assert shapes(again(written.text, variant)) == shapes(model)
    assert "variants:" in written.text


def test_a_relation_that_one_model_lacks_is_no_relation() -> None:
    """Of one model, 16 channels may be twice 8; beside one of 24, they are not."""

    def pair(first: int, second: int) -> NetworkFile:
        builder = convcalc.Builder(f"m{second}")
        x = builder.input("image", [3, 8, 8])
        for index in range(2):
            group = [Group(f"u.{index}", "Unit")]
            x = builder.add(
                "conv", x, k=1, out=first << index, path=f"u.{index}.a", composites=group
            )
            x = builder.add(
                "conv", x, k=1, out=second << index, path=f"u.{index}.b", composites=group
            )
            x = builder.add("relu", x, path=f"u.{index}.c", composites=group)
            x = builder.add("conv", x, k=3, out=5, path=f"u.{index}.d", composites=group)
        values = {key: getattr(builder.network(), key) for key in Network.record_fields}
        return NetworkFile(**values)

    alone = source(pair(8, 16)).text
    both = source(pair(8, 16), pair(8, 24)).text
    assert "*2" in alone
    assert "*2" not in both
    assert shapes(again(both, "m24")) == shapes(pair(8, 24))


def test_models_that_have_nothing_in_common_are_no_file() -> None:
    with pytest.raises(Misfit):
        source(network("n", 8, [1]), other())


def other() -> NetworkFile:
    builder = convcalc.Builder("other")
    x = builder.input("image", [3, 64, 64])
    builder.add("max_pool", x, k=2, s=2)
    return NetworkFile(**{k: getattr(builder.network(), k) for k in Network.record_fields})


def test_two_models_of_one_name_are_no_file() -> None:
    with pytest.raises(Misfit, match="same name"):
        source(network("n", 8, [1, 2]), network("n", 16, [1, 2]))
