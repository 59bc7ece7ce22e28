"""What torchmetrics has: metrics of classification, and means."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def _labels(preds: torch.Tensor, target: torch.Tensor, task: str, threshold: float) -> torch.Tensor:
    if task == "multiclass":
        return preds.argmax(1) if preds.ndim > target.ndim else preds
    if not preds.is_floating_point():
        return preds
    if ((preds < 0) | (preds > 1)).any():
        preds = preds.sigmoid()
    return (preds > threshold).long()


def _counts(labels: torch.Tensor, target: torch.Tensor, classes: int, ignore_index: int | None) -> torch.Tensor:
    if ignore_index is not None:
        labels, target = labels[target != ignore_index], target[target != ignore_index]
    rows = []
    for index in range(classes):
        hits, wanted = labels == index, target == index
        rows.append([int((hits & wanted).sum()), int((hits & ~wanted).sum()), int((~hits & wanted).sum())])
    return torch.tensor(rows).T


def _accuracy(counts: torch.Tensor, average: str) -> torch.Tensor:
    right, _, missed = counts
    if average in ("micro", "binary"):
        return _share(right.sum(), (right + missed).sum())
    return _share(right, right + missed)[counts.sum(0) > 0].mean()


def _f1(counts: torch.Tensor, average: str) -> torch.Tensor:
    right, wrong, missed = counts.sum(1) if average == "micro" else counts
    scores = _share(2 * right, 2 * right + wrong + missed)
    return scores if average == "micro" else scores[1] if average == "binary" else scores[counts.sum(0) > 0].mean()


def _share(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    return torch.where(whole == 0, 0.0, part / whole)


class _Metric(nn.Module):
    """A metric of one batch and of all."""

    measure: Callable[[torch.Tensor, str], torch.Tensor]
    counts: torch.Tensor

    def __init__(
        self,
        task: str,
        threshold: float = 0.5,
        num_classes: int | None = None,
        num_labels: int | None = None,
        average: str = "micro",
        multidim_average: str = "global",
        top_k: int = 1,
        ignore_index: int | None = None,
        validate_args: bool = True,
    ) -> None:
        super().__init__()
        self.task, self.threshold, self.ignore_index = task, threshold, ignore_index
        self.classes = 2 if task == "binary" else num_classes or 0
        self.average = "binary" if task == "binary" else average
        self.reset()

    def forward(self, preds: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The metric of a batch."""
        counts = _counts(_labels(preds, target, self.task, self.threshold), target, self.classes, self.ignore_index)
        self.counts = self.counts + counts
        return type(self).measure(counts, self.average)

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        """Counts a batch."""
        self(preds, target)

    def compute(self) -> torch.Tensor:
        """The metric of all batches."""
        return type(self).measure(self.counts, self.average)

    def reset(self) -> None:
        """Forgets all batches."""
        self.counts = torch.zeros(3, self.classes, dtype=torch.int64)


class Accuracy(_Metric):
    """The share of targets that are predicted."""

    measure = staticmethod(_accuracy)


class F1Score(_Metric):
    """The harmonic mean of precision and recall."""

    measure = staticmethod(_f1)


def accuracy(preds: torch.Tensor, target: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
    """`Accuracy` of one batch."""
    return torch.as_tensor(Accuracy(*args, **kwargs)(preds, target))  # type: ignore[arg-type]


def f1_score(preds: torch.Tensor, target: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
    """`F1Score` of one batch."""
    return torch.as_tensor(F1Score(*args, **kwargs)(preds, target))  # type: ignore[arg-type]


class MeanMetric(nn.Module):
    """A weighted mean."""

    total: torch.Tensor
    weight: torch.Tensor

    def __init__(self, nan_strategy: str = "warn") -> None:
        super().__init__()
        self.reset()

    def forward(self, value: torch.Tensor | float, weight: torch.Tensor | float = 1.0) -> torch.Tensor:
        """The mean of some values."""
        values = torch.as_tensor(value)
        weights = torch.as_tensor(weight).broadcast_to(values.shape)
        kept = ~(values.isnan() | weights.isnan())
        self.total = self.total + (values[kept] * weights[kept]).sum().detach()
        self.weight = self.weight + weights[kept].sum().detach()
        return (values[kept] * weights[kept]).sum() / weights[kept].sum()

    def update(self, value: torch.Tensor | float, weight: torch.Tensor | float = 1.0) -> None:
        """Adds some values."""
        self(value, weight)

    def compute(self) -> torch.Tensor:
        """The mean of all values."""
        return self.total / self.weight

    def reset(self) -> None:
        """Forgets all values."""
        self.total, self.weight = torch.zeros(()), torch.zeros(())
