"""Metrics of classification and means over batches, as torchmetrics has them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx


def multiclass_counts(
    preds: jax.Array, target: jax.Array, num_classes: int, ignore_index: int | None = None
) -> jax.Array:
    """Right predictions, wrong ones and missed targets of each class: (3, num_classes).

    The target is (N, ...); predictions are labels of that shape, or scores (N, num_classes, ...).
    """
    labels = preds.argmax(axis=1) if preds.ndim > target.ndim else preds
    kept = jnp.ones(target.size, int) if ignore_index is None else (target.ravel() != ignore_index).astype(int)
    predicted = jax.nn.one_hot(labels.ravel(), num_classes, dtype=int) * kept[:, None]
    actual = jax.nn.one_hot(target.ravel(), num_classes, dtype=int) * kept[:, None]
    right = (predicted * actual).sum(axis=0)
    return jnp.stack([right, predicted.sum(axis=0) - right, actual.sum(axis=0) - right])


def binary_counts(
    preds: jax.Array, target: jax.Array, threshold: float = 0.5, ignore_index: int | None = None
) -> jax.Array:
    """`multiclass_counts` of the classes 0 and 1. Predictions are labels, probabilities, or logits if beyond [0, 1]."""
    if jnp.issubdtype(preds.dtype, jnp.floating):
        are_logits = jnp.any((preds < 0) | (preds > 1))
        preds = (jnp.where(are_logits, nnx.sigmoid(preds), preds) > threshold).astype(int)
    return multiclass_counts(preds, target, 2, ignore_index)


def class_accuracy(counts: jax.Array, average: str = "micro") -> jax.Array:
    """The share of the targets that are predicted, from `multiclass_counts`; "macro" is the mean over classes."""
    right, _, missed = counts
    if average == "micro":
        return _share(right.sum(), (right + missed).sum())
    return _over_classes(_share(right, right + missed), counts)


def class_f1(counts: jax.Array, average: str = "micro") -> jax.Array:
    """The harmonic mean of precision and recall, from `multiclass_counts`; "binary" is that of class 1."""
    right, wrong, missed = counts.sum(axis=1) if average == "micro" else counts
    scores = _share(2 * right, 2 * right + wrong + missed)
    if average == "binary":
        return scores[1]
    return _over_classes(scores, counts) if average == "macro" else scores


def _share(part: jax.Array, whole: jax.Array) -> jax.Array:
    return jnp.where(whole == 0, 0.0, part / jnp.maximum(whole, 1))


def _over_classes(scores: jax.Array, counts: jax.Array) -> jax.Array:
    """The mean over the classes that are predicted or to be predicted."""
    occurs = counts.sum(axis=0) > 0
    return _share(jnp.where(occurs, scores, 0.0).sum(), occurs.sum())


class ClassMetric(nnx.Module):
    """A metric that is computed from counts, of one batch and of all since the last `reset`."""

    def __init__(
        self,
        count: Callable[[jax.Array, jax.Array], jax.Array],
        measure: Callable[[jax.Array], jax.Array],
        num_classes: int = 2,
    ) -> None:
        self.count, self.measure = count, measure
        self.counts = nnx.metrics.MetricState(jnp.zeros((3, num_classes), int), persistent=False)

    def __call__(self, preds: jax.Array, target: jax.Array) -> jax.Array:
        """Counts a batch; gives the metric of that batch alone."""
        counts = self.count(preds, target)
        self.counts[...] += counts
        return self.measure(counts)

    def update(self, preds: jax.Array, target: jax.Array) -> None:
        """Counts a batch."""
        self.counts[...] += self.count(preds, target)

    def compute(self) -> jax.Array:
        """The metric of all batches."""
        return self.measure(self.counts[...])

    def reset(self) -> None:
        """Forgets all batches."""
        self.counts[...] = jnp.zeros_like(self.counts)


class MeanMetric(nnx.Module):
    """A weighted mean of all values since the last `reset`; NaN is left out."""

    def __init__(self) -> None:
        self.total = nnx.metrics.MetricState(jnp.zeros(()), persistent=False)
        self.weight = nnx.metrics.MetricState(jnp.zeros(()), persistent=False)

    def __call__(self, value: jax.Array | float, weight: jax.Array | float = 1.0) -> jax.Array:
        """Adds values; gives their own mean."""
        total, whole = self._sums(value, weight)
        self._add(total, whole)
        return total / whole

    def update(self, value: jax.Array | float, weight: jax.Array | float = 1.0) -> None:
        """Adds values, each with its weight."""
        self._add(*self._sums(value, weight))

    def compute(self) -> jax.Array:
        """The mean of all values."""
        return jnp.asarray(self.total / self.weight)

    def reset(self) -> None:
        """Forgets all values."""
        self.total[...], self.weight[...] = jnp.zeros(()), jnp.zeros(())

    def _add(self, total: jax.Array, weight: jax.Array) -> None:
        """No gradient flows through what is remembered."""
        self.total[...] += jax.lax.stop_gradient(total)
        self.weight[...] += jax.lax.stop_gradient(weight)

    def _sums(self, value: jax.Array | float, weight: jax.Array | float) -> tuple[jax.Array, jax.Array]:
        values = jnp.asarray(value)
        weights = jnp.broadcast_to(weight, values.shape)
        kept = ~(jnp.isnan(values) | jnp.isnan(weights))
        return jnp.where(kept, values * weights, 0).sum(), jnp.where(kept, weights, 0).sum()
