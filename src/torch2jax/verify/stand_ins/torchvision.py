"""What torchvision has: operations on boxes (x1, y1, x2, y2)."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def box_area(boxes: torch.Tensor) -> torch.Tensor:
    """boxes: (N, 4); gives (N,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _overlap(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    low = torch.max(first[:, None, :2], second[None, :, :2])
    high = torch.min(first[:, None, 2:], second[None, :, 2:])
    inner = (high - low).clamp(min=0).prod(-1)
    return inner, box_area(first)[:, None] + box_area(second)[None] - inner


def box_iou(boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """(N, 4) and (M, 4) give (N, M)."""
    inner, whole = _overlap(boxes1, boxes2)
    return inner / whole


def generalized_box_iou(boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """`box_iou` less the share of the hull that neither box covers."""
    inner, whole = _overlap(boxes1, boxes2)
    low = torch.min(boxes1[:, None, :2], boxes2[None, :, :2])
    high = torch.max(boxes1[:, None, 2:], boxes2[None, :, 2:])
    hull = (high - low).prod(-1)
    return inner / whole - (hull - whole) / hull


def box_convert(boxes: torch.Tensor, in_fmt: str, out_fmt: str) -> torch.Tensor:
    """Between "xyxy", "xywh" and "cxcywh"."""
    first, second = boxes[..., :2], boxes[..., 2:]
    low = first - second / 2 if in_fmt == "cxcywh" else first
    size = second - first if in_fmt == "xyxy" else second
    parts = {"xyxy": (low, low + size), "xywh": (low, size), "cxcywh": (low + size / 2, size)}[out_fmt]
    return torch.cat(parts, -1)


def clip_boxes_to_image(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Boxes within an image of (height, width)."""
    height, width = size
    return boxes.minimum(torch.tensor([width, height] * 2, dtype=boxes.dtype)).clamp(min=0)


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Boxes that no better one overlaps, best first."""
    return batched_nms(boxes, scores, torch.zeros(len(boxes)), iou_threshold)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """`nms` in each class of boxes."""
    kept: list[int] = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        rivals = [i for i in kept if idxs[i] == idxs[index]]
        if not (box_iou(boxes[index : index + 1], boxes[rivals]) > iou_threshold).any():
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


def sigmoid_focal_loss(
    inputs: torch.Tensor, targets: torch.Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> torch.Tensor:
    """Cross-entropy that counts little where the prediction is right."""
    probs = inputs.sigmoid()
    right = probs * targets + (1 - probs) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none") * (1 - right) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss
