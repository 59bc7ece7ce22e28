"""Boxes (x1, y1, x2, y2) in images, as torchvision.ops has them."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from torch2jax.helpers.losses import reduce_loss


def box_area(boxes: jax.Array) -> jax.Array:
    """boxes: (N, 4); gives (N,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _overlap(first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The areas of intersections and of unions, (N, M)."""
    low = jnp.maximum(first[:, None, :2], second[None, :, :2])
    high = jnp.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = jnp.maximum(high - low, 0)
    inner = sides[..., 0] * sides[..., 1]
    return inner, box_area(first)[:, None] + box_area(second)[None] - inner


def box_iou(boxes1: jax.Array, boxes2: jax.Array) -> jax.Array:
    """Intersection over union of each pair: boxes (N, 4) and (M, 4) give (N, M)."""
    inner, whole = _overlap(boxes1, boxes2)
    return inner / whole


def generalized_box_iou(boxes1: jax.Array, boxes2: jax.Array) -> jax.Array:
    """`box_iou` less the share of the hull that neither box covers (https://arxiv.org/abs/1902.09630)."""
    inner, whole = _overlap(boxes1, boxes2)
    low = jnp.minimum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = jnp.maximum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    hull = (high - low)[..., 0] * (high - low)[..., 1]
    return inner / whole - (hull - whole) / hull


def box_convert(boxes: jax.Array, in_fmt: str, out_fmt: str) -> jax.Array:
    """Boxes (..., 4) in another format: "xyxy", "xywh" (corner and size) or "cxcywh" (centre and size)."""
    if in_fmt == out_fmt:
        return boxes
    first, second = jnp.split(boxes, 2, axis=-1)
    low = first - second / 2 if in_fmt == "cxcywh" else first
    size = second - first if in_fmt == "xyxy" else second
    parts = {"xyxy": (low, low + size), "xywh": (low, size), "cxcywh": (low + size / 2, size)}[out_fmt]
    return jnp.concatenate(parts, axis=-1)


def clip_boxes_to_image(boxes: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Boxes (..., 4) within an image of (height, width)."""
    height, width = size
    return jnp.clip(boxes, 0, jnp.asarray([width, height, width, height], boxes.dtype))


def nms(boxes: jax.Array, scores: jax.Array, iou_threshold: float, idxs: Any = None) -> jax.Array:
    """Indices of the boxes (N, 4) that no better one of the same class in ``idxs`` (N,) overlaps, best first.

    How many there are depends on the values, so that this can't be compiled.
    """
    order = jnp.argsort(-scores, stable=True)
    rivals = box_iou(boxes[order], boxes[order]) > iou_threshold
    if idxs is not None:
        rivals &= idxs[order][:, None] == idxs[order][None]
    ones = jnp.ones(len(order), bool)

    def step(kept: jax.Array, box: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        place, worse = box
        return kept & ~(jnp.any(kept & place) & worse), None

    kept, _ = lax.scan(step, ones, (jnp.diag(ones), jnp.triu(rivals, 1)))
    return order[kept]


def sigmoid_focal_loss(
    inputs: jax.Array, targets: jax.Array, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> jax.Array:
    """Cross-entropy of logits that counts little where they are right (https://arxiv.org/abs/1708.02002)."""
    probs = jax.nn.sigmoid(inputs)
    wrong = probs * (1 - targets) + (1 - probs) * targets
    loss = (jax.nn.softplus(inputs) - inputs * targets) * wrong**gamma
    if alpha >= 0:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduce_loss(loss, reduction)
