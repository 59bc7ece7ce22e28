"""Metrics of torchmetrics."""

from torch2jax.rulebook import *


@rule(
    "torchmetrics.functional.accuracy",
    "torchmetrics.functional.classification.accuracy",
    rank=0,
    dtype="float",
    fresh=True,
)
def accuracy(
    preds: Tensor,
    target: Tensor,
    task: str,
    threshold=0.5,
    num_classes=None,
    num_labels=None,
    average: str = "micro",
    multidim_average: str = "global",
    top_k: int = 1,
    ignore_index=None,
    validate_args: Ignored = True,
) -> Tensor:
    """The share of right predictions of one batch.

    >>> torchmetrics.functional.accuracy(f32(7, 5), i64(7, high=5), task="multiclass", num_classes=5)
    >>> torchmetrics.functional.accuracy(f32(7, 5, 3), i64(7, 3, high=5), "multiclass", num_classes=5, average="macro")
    >>> torchmetrics.functional.accuracy(i64(9, high=4), i64(9, high=4), "multiclass", num_classes=4, ignore_index=2)
    >>> torchmetrics.functional.accuracy(f32(9), i64(9, high=2), task="binary")
    >>> torchmetrics.functional.accuracy(unit(3, 5), i64(3, 5, high=2), "binary", 0.3, ignore_index=0)
    >>> torchmetrics.functional.accuracy(f32(7, 5), i64(7, high=5), task="multiclass", num_classes=5, top_k=2)
    >>> torchmetrics.functional.accuracy(f32(7, 5), i64(7, high=5), "multiclass", num_classes=5, average="weighted")
    >>> torchmetrics.functional.accuracy(unit(7, 5), i64(7, 5, high=2), task="multilabel", num_labels=5)
    >>> torchmetrics.functional.accuracy(i64(7, 3, high=2), i64(7, 3, high=2), "binary", multidim_average="samplewise")
    """
    if task not in ("binary", "multiclass"):
        raise Unsupported("the share of right predictions of several labels", "compute it for each label")
    if multidim_average != "global" or top_k != 1:
        raise Unsupported(
            "the share of right predictions of each example, or of several guesses", "write it with jax.numpy"
        )
    if average not in ("micro", "macro"):
        raise Unsupported("the share of right predictions of each class", "write it with jax.numpy")
    if task == "binary":
        return helpers.class_accuracy(helpers.binary_counts(preds, target, threshold, ignore_index))
    return helpers.class_accuracy(helpers.multiclass_counts(preds, target, num_classes, ignore_index), average)


@rule(
    "torchmetrics.functional.f1_score",
    "torchmetrics.functional.classification.f1_score",
    rank=0,
    dtype="float",
    fresh=True,
)
def f1_score(
    preds: Tensor,
    target: Tensor,
    task: str,
    threshold=0.5,
    num_classes=None,
    num_labels=None,
    average: str = "micro",
    multidim_average: str = "global",
    top_k: int = 1,
    ignore_index=None,
    validate_args: Ignored = True,
) -> Tensor:
    """The harmonic mean of precision and recall of one batch.

    >>> torchmetrics.functional.f1_score(f32(7, 5), i64(7, high=5), task="multiclass", num_classes=5)
    >>> torchmetrics.functional.f1_score(f32(7, 5, 3), i64(7, 3, high=5), "multiclass", num_classes=5, average="macro")
    >>> torchmetrics.functional.f1_score(i64(9, high=4), i64(9, high=4), "multiclass", num_classes=4, ignore_index=2)
    >>> torchmetrics.functional.f1_score(f32(9), i64(9, high=2), task="binary")
    >>> torchmetrics.functional.f1_score(unit(3, 5), i64(3, 5, high=2), "binary", 0.3, ignore_index=0)
    >>> torchmetrics.functional.f1_score(f32(7, 5), i64(7, high=5), task="multiclass", num_classes=5, top_k=2)
    >>> torchmetrics.functional.f1_score(f32(7, 5), i64(7, high=5), "multiclass", num_classes=5, average="weighted")
    >>> torchmetrics.functional.f1_score(unit(7, 5), i64(7, 5, high=2), task="multilabel", num_labels=5)
    >>> torchmetrics.functional.f1_score(i64(7, 3, high=2), i64(7, 3, high=2), "binary", multidim_average="samplewise")
    """
    if task not in ("binary", "multiclass"):
        raise Unsupported("the harmonic mean of precision and recall of several labels", "compute it for each label")
    if multidim_average != "global" or top_k != 1:
        raise Unsupported(
            "the harmonic mean of precision and recall of each example, or of several guesses",
            "write it with jax.numpy",
        )
    if average not in ("micro", "macro"):
        raise Unsupported("the harmonic mean of precision and recall of each class", "write it with jax.numpy")
    if task == "binary":
        return helpers.class_f1(helpers.binary_counts(preds, target, threshold, ignore_index), "binary")
    return helpers.class_f1(helpers.multiclass_counts(preds, target, num_classes, ignore_index), average)


@rule("torchmetrics.Accuracy", "torchmetrics.classification.Accuracy", rank=0)
def Accuracy(
    task: str,
    threshold=0.5,
    num_classes=None,
    num_labels=None,
    average: str = "micro",
    multidim_average: str = "global",
    top_k: int = 1,
    ignore_index=None,
    validate_args: Ignored = True,
) -> Module:
    """The share of right predictions of all batches.

    >>> torchmetrics.Accuracy(task="multiclass", num_classes=5)(f32(7, 5), i64(7, high=5))
    >>> torchmetrics.Accuracy("multiclass", num_classes=5, average="macro")(f32(7, 5, 3), i64(7, 3, high=5))
    >>> torchmetrics.Accuracy("multiclass", num_classes=4, ignore_index=2)(i64(9, high=4), i64(9, high=4))
    >>> torchmetrics.Accuracy(task="binary")(f32(9), i64(9, high=2))
    >>> torchmetrics.Accuracy("binary", 0.3, ignore_index=0)(unit(3, 5), i64(3, 5, high=2))
    >>> torchmetrics.Accuracy(task="multiclass", num_classes=5, top_k=2)(f32(7, 5), i64(7, high=5))
    >>> torchmetrics.Accuracy("multiclass", num_classes=5, average="weighted")(f32(7, 5), i64(7, high=5))
    >>> torchmetrics.Accuracy(task="multilabel", num_labels=5)(unit(7, 5), i64(7, 5, high=2))
    >>> torchmetrics.Accuracy("binary", multidim_average="samplewise")(i64(7, 3, high=2), i64(7, 3, high=2))
    """
    if task not in ("binary", "multiclass"):
        raise Unsupported("the share of right predictions of several labels", "compute it for each label")
    if multidim_average != "global" or top_k != 1:
        raise Unsupported(
            "the share of right predictions of each example, or of several guesses", "write it with jax.numpy"
        )
    if average not in ("micro", "macro"):
        raise Unsupported("the share of right predictions of each class", "write it with jax.numpy")
    if task == "binary":
        return helpers.ClassMetric(
            partial(helpers.binary_counts, threshold=threshold, ignore_index=ignore_index),
            helpers.class_accuracy,
        )
    return helpers.ClassMetric(
        partial(helpers.multiclass_counts, num_classes=num_classes, ignore_index=ignore_index),
        partial(helpers.class_accuracy, average=average),
        num_classes,
    )


@Accuracy.call
def _(self, preds: Tensor, target: Tensor) -> Tensor:
    return self(preds, target)


@rule("torchmetrics.F1Score", "torchmetrics.classification.F1Score", rank=0)
def F1Score(
    task: str,
    threshold=0.5,
    num_classes=None,
    num_labels=None,
    average: str = "micro",
    multidim_average: str = "global",
    top_k: int = 1,
    ignore_index=None,
    validate_args: Ignored = True,
) -> Module:
    """The harmonic mean of precision and recall of all batches.

    >>> torchmetrics.F1Score(task="multiclass", num_classes=5)(f32(7, 5), i64(7, high=5))
    >>> torchmetrics.F1Score("multiclass", num_classes=5, average="macro")(f32(7, 5, 3), i64(7, 3, high=5))
    >>> torchmetrics.F1Score("multiclass", num_classes=4, ignore_index=2)(i64(9, high=4), i64(9, high=4))
    >>> torchmetrics.F1Score(task="binary")(f32(9), i64(9, high=2))
    >>> torchmetrics.F1Score("binary", 0.3, ignore_index=0)(unit(3, 5), i64(3, 5, high=2))
    >>> torchmetrics.F1Score(task="multiclass", num_classes=5, top_k=2)(f32(7, 5), i64(7, high=5))
    >>> torchmetrics.F1Score("multiclass", num_classes=5, average="weighted")(f32(7, 5), i64(7, high=5))
    >>> torchmetrics.F1Score(task="multilabel", num_labels=5)(unit(7, 5), i64(7, 5, high=2))
    >>> torchmetrics.F1Score("binary", multidim_average="samplewise")(i64(7, 3, high=2), i64(7, 3, high=2))
    """
    if task not in ("binary", "multiclass"):
        raise Unsupported("the harmonic mean of precision and recall of several labels", "compute it for each label")
    if multidim_average != "global" or top_k != 1:
        raise Unsupported(
            "the harmonic mean of precision and recall of each example, or of several guesses",
            "write it with jax.numpy",
        )
    if average not in ("micro", "macro"):
        raise Unsupported("the harmonic mean of precision and recall of each class", "write it with jax.numpy")
    if task == "binary":
        return helpers.ClassMetric(
            partial(helpers.binary_counts, threshold=threshold, ignore_index=ignore_index),
            partial(helpers.class_f1, average="binary"),
        )
    return helpers.ClassMetric(
        partial(helpers.multiclass_counts, num_classes=num_classes, ignore_index=ignore_index),
        partial(helpers.class_f1, average=average),
        num_classes,
    )


@F1Score.call
def _(self, preds: Tensor, target: Tensor) -> Tensor:
    return self(preds, target)


@rule("torchmetrics.Accuracy.update", "torchmetrics.F1Score.update")
def update(self, preds: Tensor, target: Tensor) -> None:
    """Counts a batch.

    >>> metric = torchmetrics.Accuracy(task="multiclass", num_classes=5)
    >>> metric.update(f32(7, 5), i64(7, high=5))
    >>> metric.update(f32(3, 5), i64(3, high=5))
    >>> metric.compute()

    >>> metric = torchmetrics.F1Score(task="binary")
    >>> metric.update(f32(7), i64(7, high=2))
    >>> metric.update(f32(3), i64(3, high=2))
    >>> metric.compute()
    """
    return self.update(preds, target)


@rule("torchmetrics.Accuracy.compute", "torchmetrics.F1Score.compute", rank=0, dtype="float", fresh=True)
def compute(self) -> Tensor:
    """The metric of all batches.

    >>> metric = torchmetrics.Accuracy(task="binary")
    >>> batch = metric(f32(7), i64(7, high=2)), metric(f32(3), i64(3, high=2))
    >>> (batch, metric.compute())
    """
    return self.compute()


@rule("torchmetrics.Accuracy.reset", "torchmetrics.F1Score.reset", "torchmetrics.MeanMetric.reset")
def reset(self) -> None:
    """Forgets all batches.

    >>> metric = torchmetrics.Accuracy(task="binary")
    >>> metric.update(f32(7), i64(7, high=2))
    >>> metric.reset()
    >>> metric.update(f32(3), i64(3, high=2))
    >>> metric.compute()

    >>> mean = torchmetrics.MeanMetric()
    >>> mean.update(f32(3))
    >>> mean.reset()
    >>> mean.update(f32(2))
    >>> mean.compute()
    """
    return self.reset()


@rule("torchmetrics.MeanMetric", "torchmetrics.aggregation.MeanMetric", rank=0)
def MeanMetric(nan_strategy: str = "warn") -> Module:
    """Weighted means of all values.

    >>> torchmetrics.MeanMetric()(f32(3))
    >>> torchmetrics.MeanMetric("ignore")(f32(3).log())
    >>> torchmetrics.MeanMetric(nan_strategy="ignore")(f32(3), pos(3))
    >>> torchmetrics.MeanMetric("error")(f32(3))

    >>> mean = torchmetrics.MeanMetric()
    >>> first = mean(f32(3, 2))
    >>> second = mean(f32(2), weight=3.0)
    >>> (first, second, mean.compute())
    """
    if nan_strategy not in ("warn", "ignore"):
        raise Unsupported("a mean that does not leave NaN out", "sum values and weights in two arrays")
    return helpers.MeanMetric()


@MeanMetric.call
def _(self, value: Scalar, weight: Scalar = 1.0) -> Tensor:
    return self(value, weight)


@rule("torchmetrics.MeanMetric.update")
def mean_update(self, value: Scalar, weight: Scalar = 1.0) -> None:
    """Adds values.

    >>> mean = torchmetrics.MeanMetric()
    >>> mean.update(f32(3), weight=2.0)
    >>> mean.update(0.5)
    >>> mean.compute()
    """
    return self.update(value, weight)


@rule("torchmetrics.MeanMetric.compute", rank=0, dtype="float", fresh=True)
def mean_compute(self) -> Tensor:
    """The mean of all values.

    >>> mean = torchmetrics.MeanMetric()
    >>> first = mean(f32(3, 2))
    >>> second = mean(f32(2), weight=3.0)
    >>> (first, second, mean.compute())
    """
    return self.compute()
