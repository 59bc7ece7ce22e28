"""Boxes. What is computed of them is compared with PyTorch by the examples of their rules."""

import jax.numpy as jnp

from torch2jax.helpers.boxes import box_convert, clip_boxes_to_image, nms

BOXES = jnp.array([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.8], [5.0, 5.0, 6.0, 6.0], [0.0, 0.0, 2.0, 1.9]])


def test_the_best_of_several_that_overlap_is_kept() -> None:
    scores = jnp.array([0.5, 0.9, 0.7, 0.9])
    assert nms(BOXES, scores, 0.5).tolist() == [1, 2]
    assert nms(BOXES, scores, 0.97).tolist() == [1, 3, 2, 0]
    assert nms(BOXES, scores, 0.5, jnp.array([0, 1, 1, 0])).tolist() == [1, 3, 2]


def test_a_box_that_is_dropped_drops_no_other() -> None:
    boxes = jnp.array([[0.0, 0.0, 1.0, 1.0], [0.4, 0.0, 1.4, 1.0], [0.8, 0.0, 1.8, 1.0]])
    assert nms(boxes, jnp.array([3.0, 2.0, 1.0]), 0.3).tolist() == [0, 2]


def test_no_boxes() -> None:
    assert nms(BOXES[:0], jnp.zeros(0), 0.5).tolist() == []


def test_formats_and_borders() -> None:
    assert box_convert(BOXES[2], "xyxy", "cxcywh").tolist() == [5.5, 5.5, 1, 1]
    assert clip_boxes_to_image(BOXES[2:3] - 5.5, (3, 2)).tolist() == [[0, 0, 0.5, 0.5]]
