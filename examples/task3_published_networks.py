"""
Task 3: published networks
==========================

LeNet-5 (1998) and a small network after VGG (2015) learn from the same pictures with the same recipe. Which of two
networks is better is a question about the pictures on which they differ.
"""

import handwriting_cnn as hw

# %%
# ``digits`` takes about a minute. The reference's own task 3, for which LeNet-5's rate, activation and pooling were
# chosen by validation, is ``handwriting-cnn reproduce task3 --dataset ahcd``.

DATASET, EPOCHS = "digits", 12

splits = hw.load_dataset(DATASET)
train, validation = splits.train.split(0.125, seed=0)

# %%
# The recipe is the reference's task 3 with a rate that rises and falls.

config = hw.TrainConfig(
    epochs=EPOCHS,
    batch_size=100,
    optimizer="adam",
    learning_rate=1e-3,
    weight_decay=0,
    label_smoothing=0,
    outliers=0,
    augment=hw.AugmentConfig(rotation=20, scale=0.1, shear=0, shift=(0.2, 0.1)),
)

reports = {}
for name in ("lenet5", "vgg_mini"):
    model = hw.build_model(name, input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
    result = hw.Trainer(config).fit(model, train, validation=validation)
    reports[name] = hw.Evaluator().evaluate(result.model, splits.test)
    print(f"{name}: {model.count_params():,} parameters, accuracy {reports[name].accuracy:.2%}")

# %%
# McNemar's test holds the pictures that one network alone read right against those that the other alone did.

pair = hw.compare_reports(reports["lenet5"], reports["vgg_mini"])
print(
    f"only vgg_mini was right on {pair.second_only} pictures, only lenet5 on {pair.first_only}: p = {pair.p_value:.2g}"
)
reports["vgg_mini"].plot_mistakes()
