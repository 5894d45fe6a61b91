"""Tells inputs whose sizes look as if they stood in another order than channels, then positions."""

from __future__ import annotations

from convcalc.model.quantities.record import Value
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

IMAGE_CHANNELS = (1, 3, 4)  # grey, colour, colour with transparency
LEAST_SIDE = 16  # of what is taken for an image
LONGEST = 4  # times the short side


class Misordered(Value):
    """A suspicious input: the rule, the sentence, and the sizes that were probably meant."""

    rule: str
    message: str
    meant: tuple[int, ...]


def misordered(sizes: tuple[int, ...], declared: Shape | None = None) -> Misordered | None:
    """The suspicion about the sizes of an input, channels first; None if there is none.

    A batch comes first where a single channel has 1, 3 or 4 images of an image's size. Channels
    come last behind an image's two sides, or where the last size is the number of channels that
    the network declares, and the first is not. Sizes of volumes, videos, maps of features,
    spectra and sets of points are none of these.
    """
    first, *rest = sizes
    if len(sizes) == 4 and first == 1:
        if rest[0] in IMAGE_CHANNELS and _is_image(rest[1], rest[2], unknown=True):
            message = (
                f"{_text(sizes)} is 1 channel of {rest[0]} images: it looks like a batch first"
            )
            return Misordered("batch-in-input", message, tuple(rest))
        if rest[2] in IMAGE_CHANNELS and _is_image(rest[0], rest[1]):
            message = f"{_text(sizes)} looks like a batch first and channels last"
            return Misordered("channels-last-input", message, (rest[2], rest[0], rest[1]))
    if len(sizes) >= 3 and _has_channels_last(sizes, declared):
        message = f"{_text(sizes)} is {first} channels: it looks like channels last"
        return Misordered("channels-last-input", message, (sizes[-1], *sizes[:-1]))
    return None


def _text(sizes: tuple[int, ...]) -> str:
    return "×".join("?" if not known(size) else str(size) for size in sizes)


def _has_channels_last(sizes: tuple[int, ...], declared: Shape | None) -> bool:
    first, last = sizes[0], sizes[-1]
    if declared is not None and first == declared.channels:
        return False
    if declared is not None and last == declared.channels and first >= LEAST_SIDE:
        return True
    if last not in IMAGE_CHANNELS or not _is_image(sizes[-3], sizes[-2]):
        return False
    # One position across is also how sets of points and sequences are written.
    return last > 1 or sizes[-3] == sizes[-2]


def _is_image(height: int, width: int, *, unknown: bool = False) -> bool:
    """Whether two sizes are those of an image."""
    if not known((height, width)):
        return unknown
    short, long = sorted((height, width))
    return short >= LEAST_SIDE and long <= LONGEST * short
