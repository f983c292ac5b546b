"""
Data of your own
================

A folder with a subfolder for each letter is all that is needed: pictures of any size and colour become the network's
square.
"""

import tempfile
from pathlib import Path

from PIL import Image

import handwriting_cnn as hw

# %%
# This example first makes such a folder: dark ink on light paper, like scans. Put the path of yours here instead.

EPOCHS = 20

folder = Path(tempfile.mkdtemp()) / "letters"
source = hw.load_dataset("digits").train
for index, (picture, label) in enumerate(zip(source.images[:800, :, :, 0], source.labels[:800], strict=True)):
    place = folder / source.alphabet.characters[label]
    place.mkdir(parents=True, exist_ok=True)
    Image.fromarray(230 - picture // 2).resize((48, 60)).save(place / f"{index}.png")

# %%
# Ink becomes bright, paper becomes 0, the aspect is kept.

mine = hw.load_folder(folder)
print(mine)
hw.plot_samples(mine, seed=0)

# %%
# A test part is held out once, a validation part for every choice.

rest, test = mine.split(0.2, seed=0)
train, validation = rest.split(0.125, seed=0)
model = hw.build_model("glyphnet", input_shape=mine.input_shape, num_classes=mine.num_classes, seed=0, width=16)
result = hw.Trainer(hw.TrainConfig(epochs=EPOCHS, batch_size=32)).fit(model, train, validation=validation)
print(hw.Evaluator().evaluate(result.model, test))

# %%
# A table works as well: ``hw.load_csv("letters.csv")`` with picture files or pixels, or arrays that you have already.

arrays = hw.Dataset.from_arrays(source.images, source.labels, alphabet="0123456789", name="mine")
print(arrays)
