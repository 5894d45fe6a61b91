"""All modules that have a rule, by their names.

By which version one came: C3 v5, C2f v8, RepNCSPELAN4 and ADown v9 (arXiv 2402.13616), SCDown and
PSA v10 (arXiv 2405.14458), C3k2 and C2PSA 11, A2C2f 12 (arXiv 2502.12524).
"""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.ultralytics import attending, convolving, moving, stages
from convcalc.importing.formats.ultralytics.calls import Rule

MODULES: Mapping[str, Rule] = {
    **convolving.RULES,
    **stages.RULES,
    **attending.RULES,
    **moving.RULES,
}

# Modules whose first argument is not a number of channels, or one that the scale does not change.
NO_SCALING = {
    "Concat",
    "nn.Upsample",
    "nn.MaxPool2d",
    "nn.ZeroPad2d",
    "nn.Identity",
    "nn.BatchNorm2d",
    "CBLinear",
    "CBFuse",
    "HGStem",
    "HGBlock",
    "ResNetLayer",
}
