import csv
import json

import keras
import numpy as np
import pytest

from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.trainer import Trainer

pytestmark = pytest.mark.core


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


class LogNow(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch in {1, 3}:
            logs["edit_distance"] = epoch / 2


def test_a_figure_of_some_epochs_only(plain_net, strokes, tmp_path):
    settings = TrainConfig(epochs=4, batch_size=32, precision="float32", steps_per_execution=1, augment=None)
    with pytest.raises(KeyboardInterrupt):
        Trainer(settings).fit(plain_net(), strokes, run_dir=tmp_path, callbacks=[LogNow(), Stop()])
    result = Trainer(settings).fit(plain_net(), strokes, run_dir=tmp_path, callbacks=[LogNow()])
    np.testing.assert_array_equal(result.history["edit_distance"], [np.nan, 0.5, np.nan, 1.5])
    assert json.loads((tmp_path / "history.json").read_text())["edit_distance"] == [None, 0.5, None, 1.5]
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    assert [row["edit_distance"] for row in rows] == ["nan", "0.5", "nan", "1.5"]
