"""Keras runs on PyTorch here, with one thread: the tensors are tiny."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"
