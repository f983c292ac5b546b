import pytest

from handwriting_cnn.models.origin import model_origin, weights_sha256
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.transfer_learning import transfer

pytestmark = pytest.mark.core

SIZES = {"input_shape": (16, 16, 1), "num_classes": 2}


def test_a_seed_and_what_was_learned_are_remembered():
    assert model_origin(build_model("lenet5", **SIZES)) == {"seed": None, "learned": None}
    assert model_origin(build_model("lenet5", seed=7, **SIZES)) == {"seed": 7, "learned": None}
    origins = [model_origin(transfer(build_model("lenet5", seed=s, **SIZES), num_classes=3, seed=1)) for s in (4, 4, 5)]
    assert origins[0] == origins[1]
    assert [origin["seed"] for origin in origins] == [1, 1, 1]
    assert origins[0]["learned"] != origins[2]["learned"]


def test_training_does_not_change_where_a_network_came_from():
    model = build_model("lenet5", seed=7, **SIZES)
    before = weights_sha256(model.weights)
    model.weights[0].assign(model.weights[0] + 1)
    assert weights_sha256(model.weights) != before
    assert model_origin(model) == {"seed": 7, "learned": None}
