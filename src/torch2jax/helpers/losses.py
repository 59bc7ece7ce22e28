"""Losses of `torch.nn.functional` that optax does not have in PyTorch's form."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]
from flax import nnx
from jax import lax

from torch2jax.helpers.init import fan_in_uniform
from torch2jax.helpers.linalg import norm
from torch2jax.helpers.pointwise import absolute, clamp
from torch2jax.helpers.state import Buffer


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def nll_loss(
    log_probs: jax.Array,
    labels: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log likelihood of integer labels; the mean is weighted by the weights of the classes that count.

    Log probabilities have shape (classes,) or (batch, classes, ...), labels the same without the classes.
    """
    axis = min(log_probs.ndim - 1, 1)
    kept = labels != ignore_index
    classes = jnp.where(kept, labels, 0)
    loss = -jnp.take_along_axis(log_probs, jnp.expand_dims(classes, axis), axis).squeeze(axis)
    scale = jnp.where(kept, jnp.ones_like(loss) if weight is None else weight[classes], 0)
    loss = jnp.where(kept, loss * scale, 0)
    return loss.sum() / scale.sum() if reduction == "mean" else reduce_loss(loss, reduction)


def softmax_cross_entropy(
    logits: jax.Array, target: jax.Array, ignore_index: int = -100, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count.
    """
    axis = min(logits.ndim - 1, 1)
    if jnp.issubdtype(target.dtype, jnp.floating):
        return reduce_loss(optax.softmax_cross_entropy(logits, target, axis), reduction)
    kept = target != ignore_index
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(kept, target, 0), axis)
    return loss.mean(where=kept) if reduction == "mean" else reduce_loss(jnp.where(kept, loss, 0), reduction)


def cross_entropy(
    logits: jax.Array,
    target: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count. With labels the mean is weighted by the class weights, with
    probabilities it divides by the number of predictions.
    """
    axis = min(logits.ndim - 1, 1)
    classes = logits.shape[axis]
    log_probs = jax.nn.log_softmax(logits, axis)
    weighted = log_probs
    if weight is not None:
        weighted = log_probs * weight.reshape((-1,) + (1,) * (logits.ndim - 1 - axis))
    if jnp.issubdtype(target.dtype, jnp.floating):
        smoothed = target * (1 - label_smoothing) + label_smoothing / classes
        return reduce_loss(-(weighted * smoothed).sum(axis), reduction)
    kept = target != ignore_index
    labels = jnp.where(kept, target, 0)
    of_label = jnp.take_along_axis(weighted, jnp.expand_dims(labels, axis), axis).squeeze(axis)
    loss = -(1 - label_smoothing) * of_label - label_smoothing / classes * weighted.sum(axis)
    loss = jnp.where(kept, loss, 0)
    if reduction != "mean":
        return reduce_loss(loss, reduction)
    return loss.sum() / (kept if weight is None else jnp.where(kept, weight[labels], 0)).sum()


def linear_cross_entropy(
    x: jax.Array,
    kernel: jax.Array,
    target: jax.Array,
    bias: jax.Array | None = None,
    weight: jax.Array | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Cross entropy of the logits that a linear map makes of x, (features,) or (batch, features).

    The kernel has shape (classes, ..., features), the bias the same without the features.
    """
    logits = jnp.tensordot(x, kernel, axes=(-1, -1))
    logits = logits if bias is None else logits + bias
    return cross_entropy(logits, target, weight, ignore_index, reduction, label_smoothing)


class LinearCrossEntropyLoss(nnx.Module):
    """Cross entropy of the logits that a linear layer makes of the input, with ``out_features`` positions for each."""

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: Sequence[int] = (),
        use_bias: bool = False,
        param_dtype: Any = jnp.float32,
        weight: jax.Array | None = None,
        reduction: str = "mean",
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        self.linear = nnx.Linear(
            in_features,
            math.prod(out_features, start=num_classes),
            use_bias=use_bias,
            param_dtype=param_dtype,
            **fan_in_uniform(in_features),
            rngs=rngs,
        )
        self.num_classes = num_classes
        self.out_features = tuple(out_features)
        self.weight = None if weight is None else Buffer(weight)
        self.reduction = reduction
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def __call__(self, x: jax.Array, target: jax.Array) -> jax.Array:
        """Maps x (features,) or (batch, features) and labels or class probabilities to the loss."""
        logits = self.linear(x).reshape(*x.shape[:-1], self.num_classes, *self.out_features)
        weight = None if self.weight is None else self.weight[...]
        return cross_entropy(logits, target, weight, self.ignore_index, self.reduction, self.label_smoothing)


def binary_cross_entropy(
    probs: jax.Array, target: jax.Array, weight: jax.Array | None = None, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of probabilities; logarithms are cut at -100, so that 0 and 1 have finite losses and gradients."""

    @jax.custom_jvp
    def cross_entropy(p: jax.Array, t: jax.Array) -> jax.Array:
        return -(t * jnp.maximum(jnp.log(p), -100) + (1 - t) * jnp.maximum(jnp.log1p(-p), -100))

    @cross_entropy.defjvp
    def _(primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        (p, t), (dp, dt) = primals, tangents
        # PyTorch keeps the denominator above 1e-12, rounded to float32.
        slope = (p - t) / jnp.maximum(p * (1 - p), 9.999999960041972e-13)
        log_odds = jnp.maximum(jnp.log(p), -100) - jnp.maximum(jnp.log1p(-p), -100)
        return cross_entropy(p, t), slope * dp - log_odds * dt

    loss = cross_entropy(probs, target.astype(probs.dtype))
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    logits: jax.Array,
    target: jax.Array,
    weight: jax.Array | None = None,
    reduction: str = "mean",
    pos_weight: jax.Array | None = None,
) -> jax.Array:
    """Cross entropy of logits; `pos_weight` scales the loss of the positive answers, `weight` that of every element."""
    positive = target if pos_weight is None else pos_weight * target
    loss = -positive * jax.nn.log_sigmoid(logits) - (1 - target) * jax.nn.log_sigmoid(-logits)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def kl_div(log_probs: jax.Array, target: jax.Array, reduction: str = "mean", log_target: bool = False) -> jax.Array:
    """Pointwise target * (log target - log_probs), 0 at target 0; "batchmean" divides the sum by the batch size."""
    if log_target:
        loss = jnp.exp(target) * (target - log_probs)
    else:
        loss = jax.scipy.special.xlogy(target, target) - target * log_probs
    if reduction == "batchmean":
        return loss.sum() / (log_probs.shape[0] if log_probs.ndim else 1)
    return reduce_loss(loss, reduction)


def smooth_l1_loss(x: jax.Array, target: jax.Array, reduction: str = "mean", beta: float = 1.0) -> jax.Array:
    """Quadratic up to a distance of `beta`, then linear with slope 1; the plain distance where `beta` is 0."""
    loss = absolute(x - target) if beta == 0 else optax.huber_loss(x, target, delta=beta) / beta
    return reduce_loss(loss, reduction)


def gaussian_nll_loss(
    mean: jax.Array,
    target: jax.Array,
    var: jax.Array | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log likelihood of a normal distribution; variances are raised to `eps`, which the gradient ignores.

    The variance has the shape of the mean, or lacks its last axis, or has 1 there.
    """
    var = jnp.asarray(var, mean.dtype)
    if var.ndim == mean.ndim - 1 and var.ndim > 0:
        var = var[..., None]
    var = var + lax.stop_gradient(jnp.maximum(var, eps) - var)
    loss = 0.5 * (jnp.log(var) + (mean - target) ** 2 / var)
    return reduce_loss(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def poisson_nll_loss(
    x: jax.Array,
    target: jax.Array,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log likelihood of counts whose (log) rate is `x`; `full` adds Stirling's formula for counts above 1."""
    loss = jnp.exp(x) - target * x if log_input else x - target * jnp.log(x + eps)
    if full:
        many = jnp.where(target > 1, target, 1)
        stirling = many * jnp.log(many) - many + 0.5 * jnp.log(2 * math.pi * many)
        loss = loss + jnp.where(target > 1, stirling, 0)
    return reduce_loss(loss, reduction)


def hinge_embedding_loss(x: jax.Array, target: jax.Array, margin: float = 1.0, reduction: str = "mean") -> jax.Array:
    """`x` where the target is 1, max(0, margin - x) where it is -1."""
    loss = jnp.where(target != 1, clamp(margin - x, 0), 0) + jnp.where(target != -1, x, 0)
    return reduce_loss(loss, reduction)


def margin_ranking_loss(
    x1: jax.Array, x2: jax.Array, target: jax.Array, margin: float = 0.0, reduction: str = "mean"
) -> jax.Array:
    """max(0, margin - target * (x1 - x2)): `target` 1 asks for x1 above x2, -1 for x2 above x1."""
    return reduce_loss(clamp(-target * (x1 - x2) + margin, 0), reduction)


def cosine_embedding_loss(
    x1: jax.Array, x2: jax.Array, target: jax.Array, margin: float = 0.0, reduction: str = "mean"
) -> jax.Array:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1; vectors along the last axis."""
    eps = 1e-12
    dot, square1, square2 = (x1 * x2).sum(-1), (x1 * x1).sum(-1) + eps, (x2 * x2).sum(-1) + eps
    cosine = dot / jnp.sqrt(square1 * square2)
    loss = jnp.where(target == 1, 1 - cosine, 0) + jnp.where(target == -1, clamp(cosine - margin, 0), 0)
    return reduce_loss(loss, reduction)


def pairwise_distance(
    x1: jax.Array, x2: jax.Array, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False
) -> jax.Array:
    """p-norm of x1 - x2 + eps along the last axis."""
    return norm(x1 - x2 + eps, p, axis=-1, keepdims=keepdims)


def triplet_margin_loss(
    anchor: jax.Array,
    positive: jax.Array,
    negative: jax.Array,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> jax.Array:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin); `swap` takes the nearer of anchor and positive."""
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = jnp.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce_loss(clamp(near - far + margin, 0), reduction)


def triplet_margin_with_distance_loss(
    anchor: jax.Array,
    positive: jax.Array,
    negative: jax.Array,
    distance_function: Callable[[jax.Array, jax.Array], jax.Array] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> jax.Array:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) for a distance d, by default the Euclidean one."""
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = jnp.minimum(far, distance(positive, negative))
    return reduce_loss(clamp(near - far + margin, 0), reduction)


class TripletMarginWithDistanceLoss(nnx.Module):
    """A triplet loss whose distance is a module."""

    def __init__(
        self,
        distance_function: Callable[[jax.Array, jax.Array], jax.Array],
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        self.distance_function = distance_function
        self.margin = margin
        self.swap = swap
        self.reduction = reduction

    def __call__(self, anchor: jax.Array, positive: jax.Array, negative: jax.Array) -> jax.Array:
        """The loss of (batch, features) arrays; shape () unless the reduction is "none"."""
        return triplet_margin_with_distance_loss(
            anchor, positive, negative, self.distance_function, self.margin, self.swap, self.reduction
        )


def multi_margin_loss(
    x: jax.Array,
    labels: jax.Array,
    p: int = 1,
    margin: float = 1.0,
    weight: jax.Array | None = None,
    reduction: str = "mean",
) -> jax.Array:
    """Mean over the classes i != label of max(0, margin - x[label] + x[i]) ** p, for (batch, classes) or (classes,)."""
    batch, wanted = jnp.atleast_2d(x), jnp.atleast_1d(labels)[:, None]
    loss = clamp(margin - jnp.take_along_axis(batch, wanted, 1) + batch, 0) ** p
    if weight is not None:
        loss = loss * weight[wanted]
    loss = jnp.where(jnp.arange(batch.shape[1]) == wanted, 0, loss).sum(1) / batch.shape[1]
    return reduce_loss(loss.reshape(labels.shape), reduction)


def multilabel_margin_loss(x: jax.Array, labels: jax.Array, reduction: str = "mean") -> jax.Array:
    """Hinge between every listed class and every other; `labels` lists the classes of a row up to its first -1."""
    scores, listed = jnp.atleast_2d(x), jnp.atleast_2d(labels)
    classes = scores.shape[1]
    valid = jnp.cumprod(listed >= 0, axis=1).astype(bool)
    wanted = jnp.where(valid, listed, classes)
    is_target = jax.nn.one_hot(wanted, classes, dtype=bool).any(1)
    target_scores = jnp.take_along_axis(scores, jnp.where(valid, listed, 0), 1)
    hinge = clamp(1 - (target_scores[:, :, None] - scores[:, None, :]), 0)
    loss = jnp.where(valid[:, :, None] & ~is_target[:, None, :], hinge, 0).sum((1, 2)) / classes
    return reduce_loss(loss.reshape(x.shape[:-1]), reduction)


def multilabel_soft_margin_loss(
    logits: jax.Array, target: jax.Array, weight: jax.Array | None = None, reduction: str = "mean"
) -> jax.Array:
    """Binary cross entropy of logits, averaged over the classes (the last axis)."""
    loss = -target * jax.nn.log_sigmoid(logits) - (1 - target) * jax.nn.log_sigmoid(-logits)
    return reduce_loss((loss if weight is None else loss * weight).mean(-1), reduction)


def _not_normalized(log_probs: jax.Array, frames: jax.Array) -> jax.Array:
    """What `optax.ctc_loss` adds by normalising `log_probs`, (batch,). The gradient of the difference is PyTorch's."""
    total = jax.nn.logsumexp(log_probs, axis=-1).T
    excess = total - jnp.exp(total)  # exp(log_probs) in PyTorch's gradient, where optax has the softmax
    return ((jax.lax.stop_gradient(total - excess) + excess) * frames).sum(-1)


def ctc_loss(
    log_probs: jax.Array,
    targets: jax.Array,
    input_lengths: jax.Array | tuple[int, ...],
    target_lengths: jax.Array | tuple[int, ...],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> jax.Array:
    """CTC loss of log probabilities (time, batch, classes) for targets, padded (batch, labels) or laid end to end.

    Without a batch they are (time, classes) and (labels,). The mean divides each sequence's loss by its number of
    labels first. An impossible alignment costs infinity, or nothing with `zero_infinity`.
    """
    input_lengths, target_lengths = jnp.asarray(input_lengths), jnp.asarray(target_lengths)
    if log_probs.ndim == 2:
        lengths = input_lengths.reshape(1), target_lengths.reshape(1)
        loss = ctc_loss(log_probs[:, None], targets.reshape(1, -1), *lengths, blank, reduction, zero_infinity)
        return loss.reshape(())
    if targets.ndim == 1:  # as many columns as there can be labels: under `jax.jit` the lengths are not known
        width = targets.size if isinstance(target_lengths, jax.core.Tracer) else int(target_lengths.max())
        starts = jnp.cumsum(target_lengths) - target_lengths
        targets = jnp.take(targets, starts[:, None] + jnp.arange(width), mode="clip")
    time = log_probs.shape[0]
    late = (jnp.arange(time) >= input_lengths[:, None]).astype(log_probs.dtype)
    padding = (jnp.arange(targets.shape[1]) >= target_lengths[:, None]).astype(log_probs.dtype)
    loss = optax.ctc_loss(log_probs.swapaxes(0, 1), late, targets, padding, blank_id=blank, log_epsilon=-1e30)
    impossible = loss > 1e29
    loss = loss - _not_normalized(log_probs, 1 - late)
    loss = jnp.where(impossible, 0 if zero_infinity else jnp.inf, loss)
    if reduction == "mean":
        return (loss / jnp.maximum(target_lengths, 1)).mean()
    return reduce_loss(loss, reduction)
