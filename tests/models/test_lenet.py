import keras
import pytest

from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.models.registry import build_model

pytestmark = pytest.mark.core

POOLINGS = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}


def lenet5(**options):
    return build_model("lenet5", input_shape=(32, 32, 1), num_classes=28, **options)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_activation_and_pooling_are_a_choice_of_the_same_size(activation, pooling):
    model = lenet5(activation=activation, pooling=pooling)
    with_weights = [layer for layer in model.layers if layer.weights]
    assert [layer.activation for layer in with_weights[:-1]] == [keras.activations.get(activation)] * 4
    assert [type(model.get_layer(name)) for name in ("pool1", "pool2")] == [POOLINGS[pooling]] * 2
    assert model.count_params() == 63_236


def test_the_papers_choice_is_the_default():
    model = lenet5()
    assert model.get_layer("conv1").activation is keras.activations.tanh
    assert isinstance(model.get_layer("pool1"), keras.layers.AveragePooling2D)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "rel"}, "unknown activation 'rel'; did you mean 'relu'"),
        ({"pooling": "sum"}, "unknown pooling 'sum'; known: average, max"),
    ],
)
def test_other_choices_are_refused(options, message):
    with pytest.raises(UnknownNameError, match=message):
        lenet5(**options)
