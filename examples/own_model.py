"""
A network of your own
=====================

Any ``keras.Model`` trains. A registered factory gives a network a name, so that it can be built by name, used from the
command line (``--import``), and saved in a file that builds it again.
"""

import tempfile
from pathlib import Path

import keras

import handwriting_cnn as hw

# %%
# A factory takes the input shape and the number of classes first; its options follow, each with a default.


@hw.register_model("my_net", smallest=8)
def my_net(input_shape, num_classes, *, width: int = 24):
    """Three strided convolutions and a global average."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for multiple in (1, 2, 4):
        x = keras.layers.Conv2D(multiple * width, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))


# %%
# It is built, trained, scored and saved like any other.

DATASET, EPOCHS = "digits", 20

splits = hw.load_dataset(DATASET)
train, validation = splits.train.split(0.125, seed=0)
model = hw.build_model("my_net", input_shape=train.input_shape, num_classes=train.num_classes, seed=0, width=32)
result = hw.Trainer(hw.TrainConfig(epochs=EPOCHS)).fit(model, train, validation=validation)
report = hw.Evaluator().evaluate(result.model, splits.test)
print(report)

# %%
# One file holds weights, architecture, alphabet, preprocessing and provenance. Loading runs no code from it: it calls
# the factory that is registered here.

with tempfile.TemporaryDirectory() as folder:
    path = result.save(Path(folder) / "my_net.safetensors", metrics=report.summary())
    saved = hw.load_model(path)
    print(saved.card["metrics"])
    print("same answers:", (saved(splits.test.images).argmax(1) == report.predictions).all())
