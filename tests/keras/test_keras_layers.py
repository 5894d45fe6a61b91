"""Small models as the installed Keras builds them: what is read of them has its numbers.

``tests/importing/test_keras.py`` holds what one version wrote against its numbers; this looks
whether another one still writes so.
"""

from __future__ import annotations

import keras
import pytest
from importing import keras_truth
from keras_cases import CASES, SIZES
from measured_by_keras import numbers_of


@pytest.mark.parametrize("name", CASES)
def test_a_small_model_has_the_numbers_of_keras(name: str) -> None:
    keras.utils.clear_session()
    model = CASES[name]()
    found = numbers_of(model, SIZES.get(name))
    keras_truth.agree(name, model.to_json(), found._asdict(), SIZES.get(name))
