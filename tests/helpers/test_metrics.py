"""Metrics over several batches. Their values are compared by the examples of their rules."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from torch2jax.helpers.metrics import ClassMetric, MeanMetric, class_accuracy, class_f1, multiclass_counts


def test_counts_of_each_class() -> None:
    counts = multiclass_counts(jnp.array([0, 1, 1, 2]), jnp.array([0, 1, 2, 3]), 4, ignore_index=3)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    assert float(class_accuracy(counts)) == pytest.approx(2 / 3)
    assert float(class_accuracy(counts, "macro")) == pytest.approx((1 + 1 + 0) / 3)


def test_of_nothing() -> None:
    counts = jnp.zeros((3, 2), int)
    assert [float(f(counts, a)) for f in (class_accuracy, class_f1) for a in ("micro", "macro")] == [0, 0, 0, 0]


def test_batches_are_counted_in_a_compiled_step() -> None:
    metric = ClassMetric(partial(multiclass_counts, num_classes=3), class_accuracy, 3)
    step = nnx.jit(lambda metric, preds, target: metric(preds, target))
    assert float(step(metric, jnp.array([0, 1]), jnp.array([0, 2]))) == 0.5
    assert float(step(metric, jnp.array([1, 1]), jnp.array([1, 1]))) == 1
    assert float(metric.compute()) == 0.75
    metric.reset()
    metric.update(jnp.array([0]), jnp.array([0]))
    assert float(metric.compute()) == 1


def test_means_leave_nan_out() -> None:
    mean = MeanMetric()
    assert float(mean(jnp.array([1.0, jnp.nan, 3.0]))) == 2
    mean.update(5.0, 2.0)
    assert float(mean.compute()) == 3.5
    mean.reset()
    assert jnp.isnan(mean.compute())
    assert jax.tree.leaves(nnx.state(mean, nnx.Param)) == []
