"""
An alphabet of your own
=======================

The classes of a data set are an :class:`~handwriting_cnn.Alphabet`: characters, their names, the script, and the
direction in which lines are read. Here the first ten letters of Ogham, an early Irish script of strokes beside a stem.
"""

import numpy as np
from PIL import Image, ImageDraw

import handwriting_cnn as hw

EPOCHS = 60

OGHAM = hw.Alphabet(
    characters=tuple("ᚁᚂᚃᚄᚅᚆᚇᚈᚉᚊ"),
    names=("beith", "luis", "fearn", "sail", "nion", "uath", "dair", "tinne", "coll", "ceirt"),
    script="Ogham",
)

# %%
# No one has published handwritten Ogham, so a few unsteady strokes stand in for it: one to five to the right of the
# stem, then one to five to its left. Pictures are uint8, ink bright (255) on paper 0.

rng = np.random.default_rng(0)


def write(letter: int) -> np.ndarray:
    picture = Image.new("L", (128, 128), 0)
    pen = ImageDraw.Draw(picture)

    def stroke(*points):
        wobbly = [(x + rng.normal(0, 2.5), y + rng.normal(0, 2.5)) for x, y in points]
        pen.line(wobbly, 255, width=int(rng.integers(5, 9)))

    stem = rng.normal(64, 4)
    stroke((stem, 10), (stem, 118))
    end = stem + (1 if letter < 5 else -1) * rng.normal(38, 4)
    count = letter % 5 + 1
    for place in range(count):
        height = 64 + (place - (count - 1) / 2) * rng.normal(17, 1)
        stroke((stem, height), (end, height))
    return np.asarray(picture.resize((32, 32), Image.Resampling.BOX))


labels = np.arange(800) % len(OGHAM)
letters = hw.Dataset.from_arrays(np.stack([write(label) for label in labels]), labels, alphabet=OGHAM, name="ogham")
hw.plot_samples(letters, seed=0)

# %%
# From here on it is a data set like any other.

rest, test = letters.split(0.25, seed=0)
train, validation = rest.split(0.125, seed=0)
model = hw.build_model("glyphnet", input_shape=train.input_shape, num_classes=train.num_classes, seed=0, width=16)
result = hw.Trainer(hw.TrainConfig(epochs=EPOCHS)).fit(model, train, validation=validation)
report = hw.Evaluator().evaluate(result.model, test)
print(report)
report.plot_confusion()
