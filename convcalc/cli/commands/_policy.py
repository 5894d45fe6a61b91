"""The options that choose settings: ``--config``, ``--isolated`` and ``--policy``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from convcalc.cli.console import Failure, environment, is_set

if TYPE_CHECKING:
    from convcalc.checking.policy import Policy


def chosen_policy(config: str, revision: str = "", *, isolated: bool) -> Policy:
    """The settings and ignore files of the tree or of a revision, by flags or the environment."""
    from convcalc.checking.policy import Choice, Policy, policy_of

    file = config or environment("CONFIG")
    require_file(file, "--config", "settings")
    choice = Choice(file, "", isolated or is_set("ISOLATED"))
    return policy_of(revision, choice) if revision else Policy(choice=choice)


def require_file(path: str, flag: str, kind: str) -> None:
    """Raises Failure if a flag names no file: one error, not one for each network."""
    if path and not os.path.isfile(path):  # noqa: PTH113 - a word of the command line
        raise Failure(f"cannot read {path}: no such file", f"{flag} names a file of {kind}")
