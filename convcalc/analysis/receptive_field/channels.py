"""Finds what the channels of one tensor are computed from: their histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from convcalc.model.geometry.axis_maps import Axes


class Source:
    """A history that another one reads, in the tensor of that number.

    ``axes`` are the positions that are read, None where each position is the same. ``gathers``:
    the positions lie in the channels (``flatten``), and all of them are read.
    """

    __slots__ = ("axes", "gathers", "history", "spatial", "tensor")

    def __init__(
        self,
        history: int,
        tensor: int,
        spatial: tuple[int, ...],
        axes: Axes | None = None,
        gathers: bool = False,
    ) -> None:
        self.history = history
        self.tensor = tensor
        self.spatial = spatial
        self.axes = axes
        self.gathers = gathers


class History:
    """The sources of some channels; without ``sources`` a network input, by its name.

    ``layer`` is the index of the layer at which the history arises. ``scattered`` is the number of
    positions that lie in the channels. ``woven``: each position reads one of the sources in turn.
    ``reason`` says why it is not known what is read, if so.
    """

    __slots__ = ("layer", "name", "reason", "scattered", "sources", "woven")

    def __init__(
        self,
        layer: int,
        sources: tuple[Source, ...] = (),
        name: str = "",
        scattered: int = 0,
        woven: bool = False,
        reason: str = "",
    ) -> None:
        self.layer = layer
        self.sources = sources
        self.name = name
        self.scattered = scattered
        self.woven = woven
        self.reason = reason


Run = tuple[int, int]  # the place of a history, and how many channels in a row have it


class Channels:
    """The histories of the channels of one tensor.

    ``runs`` say, for channels in a row, which of the histories they have; None where all have one,
    or where they are not told apart. A tensor whose batch holds several ``images`` of one sample
    has the channels of all images in a row. ``mixed`` is the history of what reads all channels,
    once it is asked for.
    """

    __slots__ = ("histories", "images", "mixed", "runs")

    def __init__(
        self,
        histories: tuple[int, ...],
        runs: Sequence[Run] | None = None,
        images: int = 1,
        mixed: int = -1,
    ) -> None:
        self.histories = histories
        self.runs = runs
        self.images = images
        self.mixed = histories[0] if len(histories) == 1 and mixed < 0 else mixed

    def __len__(self) -> int:
        return len(self.histories)

    def members(self) -> list[int]:
        """For each channel, the place of its history."""
        return [place for place, count in self.runs or () for _ in range(count)]

    def of(self, index: int) -> int | None:
        """The history of a channel, all images in a row; None where it is not told apart."""
        if len(self.histories) == 1:
            return self.histories[0]
        for place, count in self.runs or ():
            index -= count
            if index < 0:
                return self.histories[place]
        return None


def count_runs(members: Iterable[int]) -> list[Run]:
    """Channels in a row with the same history, counted."""
    return [(place, len(list(run))) for place, run in groupby(members)]
