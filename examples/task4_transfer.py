"""
Task 4: transfer
================

A network that has learned one alphabet lends its convolutions to another, of which there are few labels: here from the
digits 0 to 4 to ten pictures each of 5 to 9. The same network from scratch has the same budget.
"""

import numpy as np

import handwriting_cnn as hw

# %%
# ``digits`` takes about a minute. The reference's own task 4, from Russian to Arabic letters, is
# ``handwriting-cnn reproduce task4 --dataset ahcd``.

DATASET, EPOCHS = "digits", 20
LABELS_PER_CLASS = 10

splits = hw.load_dataset(DATASET)
known = splits.train.select_classes("01234")
new, test = splits.train.select_classes("56789"), splits.test.select_classes("56789")
few = new.subset(np.concatenate([np.flatnonzero(new.labels == label)[:LABELS_PER_CLASS] for label in range(5)]))

# %%
# The base learns what there is plenty of.

base = hw.build_model("cnn14_bn", input_shape=known.input_shape, num_classes=known.num_classes, seed=0, width=16)
hw.Trainer(hw.TrainConfig(epochs=EPOCHS)).fit(base, known)

# %%
# Its trunk goes under a new head. First the head alone is trained, then everything, at a lower rate. From scratch, the
# same network is trained for the same epochs.

transferred = hw.transfer(base, num_classes=few.num_classes, seed=0)
stages = (hw.Stage(epochs=EPOCHS, freeze=("trunk",)), hw.Stage(epochs=EPOCHS, learning_rate=5e-4))
hw.Trainer(hw.TrainConfig(stages=stages)).fit(transferred, few)

spec = hw.model_spec(transferred)
options = {name: value for name, value in spec.options.items() if name not in ("input_shape", "num_classes")}
scratch = hw.build_model(spec.name, input_shape=few.input_shape, num_classes=few.num_classes, seed=0, **options)
hw.Trainer(hw.TrainConfig(epochs=sum(stage.epochs for stage in stages))).fit(scratch, few)

# %%

reports = {
    name: hw.Evaluator().evaluate(model, test) for name, model in (("scratch", scratch), ("transfer", transferred))
}
for name, report in reports.items():
    low, high = report.interval
    print(f"{name}: accuracy {report.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}) from {len(few)} pictures")
reports["transfer"].plot_confusion()
