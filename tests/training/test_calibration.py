import numpy as np
import pytest

import handwriting_cnn as hw
from handwriting_cnn.training.calibration import reading_rules


def squares(side):
    """Pictures with a square of ink so many pixels large in 32."""
    images = np.zeros((6, 32, 32, 1), np.uint8)
    images[:, 2 : 2 + side, 3 : 3 + side] = 255
    return hw.Dataset.from_arrays(images, [0, 1] * 3, alphabet="ab")


@pytest.mark.parametrize(
    ("network", "side", "extent"), [("glyphnet", 8, 0.6), ("glyphnet", 24, 0.75), ("lenet5", 8, 0.25)]
)
def test_small_characters_are_given_more_pixels_where_the_network_settles_size(network, side, extent):
    model = hw.build_model(network, input_shape=(32, 32, 1), num_classes=2, seed=0)
    assert reading_rules(model, squares(side), None).extent == extent


def test_it_does_so_behind_a_transferred_trunk():
    base = hw.build_model("glyphnet", input_shape=(32, 32, 1), num_classes=3, seed=0)
    model = hw.transfer(base, num_classes=2, input_shape=(32, 32, 1), seed=0)
    assert reading_rules(model, squares(8), None).extent == 0.6
