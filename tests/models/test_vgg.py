import keras
import pytest

from handwriting_cnn.errors import ConfigError
from handwriting_cnn.models.registry import build_model

pytestmark = pytest.mark.core


def convolutions(model):
    return [(layer.filters, layer.kernel_size) for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def test_vgg16_is_configuration_d():
    model = build_model("vgg16", input_shape=(32, 32, 1), num_classes=28)
    # Simonyan and Zisserman, 2015, table 1, column D.
    filters = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    assert convolutions(model) == [(count, (3, 3)) for count in filters]
    # Counted by hand: kernels without biases, four statistics a filter, three dense layers.
    kernels = sum(9 * before * after for before, after in zip([1, *filters], filters, strict=False))
    dense = (512 + 1) * 512 * 2 + (512 + 1) * 28
    assert model.count_params() == kernels + 4 * sum(filters) + dense


@pytest.mark.parametrize(("side", "pools"), [(16, 4), (32, 5), (64, 5)])
def test_vgg16_pools_while_pixels_are_left(side, pools):
    model = build_model("vgg16", input_shape=(side, side, 1), num_classes=3, width=2, dense=4)
    found = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert len(found) == pools
    assert found[-1].output.shape[1] == side // 2**pools


@pytest.mark.parametrize("options", [{"width": 0}, {"width": 2.5}, {"dense": 5000}, {"dense": 4.0}, {"dropout": 1.0}])
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        build_model("vgg16", input_shape=(32, 32, 1), num_classes=3, **options)
