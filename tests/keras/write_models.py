"""Writes the models of ``tests/importing/data/keras.tar.xz`` and Keras' numbers for them.

By hand, with Keras 3 on its torch backend: ``python tests/keras/write_models.py``. The networks of
keras.applications that it can build without a download are written too.
"""

from __future__ import annotations

import inspect
import io
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

DATA = Path(__file__).parents[1] / "importing" / "data"
OPEN = {"MobileNetV3Large": (224, 224, 3), "MobileNetV3Small": (224, 224, 3)}
TITLE = """\
# Models that Keras {version} wrote into keras.tar.xz, and its own numbers: trainable and
# frozen weights, multiplications of a forward pass (half of FlopCounterMode's FLOPs, with Keras on
# torch), sizes of the outputs. Written by tests/keras/write_models.py.
"""


def main() -> None:
    """Write the archive and the numbers."""
    import keras
    from measured_by_keras import numbers_of

    buffer, lines = io.BytesIO(), [TITLE.format(version=keras.__version__)]
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as archive:
        for name, model, size in models():
            content = model.to_json().encode()
            entry = tarfile.TarInfo(f"{name}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
            is_large = name in vars(keras.applications)
            found = numbers_of(model, size, "meta" if is_large else "cpu")
            outputs = [list(each) for each in found.outputs]
            given = f", size: {list(size)}" if size else ""
            lines.append(
                f"{name}: {{trainable: {found.trainable}, frozen: {found.frozen}, "
                f"macs: {found.macs}, outputs: {outputs}{given}}}\n"
            )
            sys.stderr.write(f"{name}\n")
    (DATA / "keras.tar.xz").write_bytes(buffer.getvalue())
    (DATA / "keras.yaml").write_text("".join(lines), encoding="utf-8")


def models() -> Iterator[tuple[str, object, tuple[int, ...] | None]]:
    """The models by name, with the size of the input of those that leave it open."""
    import keras
    from keras_cases import CASES, SIZES
    from measured_by_keras import without_numbers

    for name, build in CASES.items():
        keras.utils.clear_session()
        yield name, build(), SIZES.get(name)
    for name in sorted(dir(keras.applications)):
        build = getattr(keras.applications, name)
        if inspect.ismodule(build) or not callable(build):
            continue
        keras.utils.clear_session()
        try:
            with without_numbers():
                model = build(weights=None)
        except ValueError as error:
            sys.stderr.write(f"{name}: {error}\n")
        else:
            yield name, model, OPEN.get(name)


if __name__ == "__main__":
    main()
