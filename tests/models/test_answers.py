import keras
import numpy as np
import pytest

from handwriting_cnn.models.answers import network_answers
from handwriting_cnn.models.registry import build_model

pytestmark = pytest.mark.core


@pytest.mark.parametrize("count", [0, 1, 3, 8, 21])
def test_any_number_of_pictures_is_answered_as_the_network_does(count):
    model = build_model("cnn14_bn", input_shape=(16, 16, 1), num_classes=5, width=2, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 1), dtype=np.uint8)
    answers = network_answers(model, images, batch_size=8)
    assert answers.dtype == np.float32
    assert answers.shape == (count, 5)
    if count:
        np.testing.assert_allclose(answers, keras.ops.convert_to_numpy(model(images, training=False)), atol=1e-6)
