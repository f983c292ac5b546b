"""
Task 1: a custom CNN
====================

CNN-14 learns from the pictures as they are. An eighth of the training part is held out: every choice is made on it, and
the test part is scored once, at the end.
"""

import handwriting_cnn as hw

# %%
# ``digits`` comes with scikit-learn and takes about a minute; ``"ahcd"`` has the Arabic letters of the reference. The
# reference's task 1, with whole writers held out and a rate that rises and falls, is
# ``handwriting-cnn reproduce task1 --dataset ahcd``.

DATASET, EPOCHS = "digits", 15

splits = hw.load_dataset(DATASET)
train, validation = splits.train.split(0.125, seed=0)
hw.plot_samples(train, seed=0)

# %%
# The recipe is the reference's: Adam at a constant rate, small batches, no augmentation.

model = hw.build_model("cnn14", input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
config = hw.TrainConfig(
    epochs=EPOCHS,
    batch_size=32,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="constant",
    weight_decay=0,
    label_smoothing=0,
    outliers=0,
    augment=None,
)
result = hw.Trainer(config).fit(model, train, validation=validation)
result.plot_history("accuracy")

# %%
# The report has the accuracy with its 95% interval, and the letters that are taken for each other.

report = hw.Evaluator().evaluate(result.model, splits.test)
print(report)
report.plot_confusion()
