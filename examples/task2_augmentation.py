"""
Task 2: augmentation
====================

A network that sees each picture turned, stretched, slanted and moved a little, differently in each epoch, learns what
does not matter. Here the library's own recipe trains one network with augmentation and one without.
"""

import handwriting_cnn as hw

# %%
# ``digits`` takes about a minute; ``"ahcd"`` shows the same on Arabic letters. The reference's own task 2, which trains
# task 1's weights on, is ``handwriting-cnn reproduce task2 --dataset ahcd``.

DATASET, EPOCHS = "digits", 12

splits = hw.load_dataset(DATASET)
train, validation = splits.train.split(0.125, seed=0)

# %%
# What the network sees: the same letters, as five epochs would show them.

distort = hw.Augment(hw.AugmentConfig(), seed=0)
letters = train.images[:8]
for epoch in range(5):
    distorted = distort(letters, training=True)
    print(f"epoch {epoch}: mean ink {float(distorted[..., 0].numpy().mean()):.1f} of 255")

# %%
# One network with it, one without; everything else is equal.

reports = {}
for name, augment in {"plain": None, "augmented": hw.AugmentConfig()}.items():
    model = hw.build_model("cnn14_bn", input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
    config = hw.TrainConfig(epochs=EPOCHS, augment=augment, seed=0)
    result = hw.Trainer(config).fit(model, train, validation=validation)
    reports[name] = hw.Evaluator().evaluate(result.model, splits.test)

for name, report in reports.items():
    low, high = report.interval
    print(f"{name:10} {report.accuracy:.2%}  (95% interval {low:.2%} to {high:.2%})")

# %%
# The letters that the augmented network still gets wrong, with its three best answers.

reports["augmented"].plot_mistakes()
