"""Operations on boxes of torchvision."""

from torch2jax.rulebook import *


@rule("torchvision.ops.box_area", "torchvision.ops.boxes.box_area", rank=1, fresh=True)
def box_area(boxes: Tensor) -> Tensor:
    """Areas.

    >>> torchvision.ops.box_area(f32(5, 4))
    """
    return helpers.box_area(boxes)


@rule("torchvision.ops.box_iou", "torchvision.ops.boxes.box_iou", rank=2, fresh=True)
def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of each pair.

    >>> torchvision.ops.box_iou(torch.cat([unit(5, 2), 1 + unit(5, 2)], 1), torch.cat([unit(3, 2), 0.9 + pos(3, 2)], 1))
    """
    return helpers.box_iou(boxes1, boxes2)


@rule("torchvision.ops.generalized_box_iou", "torchvision.ops.boxes.generalized_box_iou", rank=2, fresh=True)
def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union less the share of the hull that neither box covers.

    >>> torchvision.ops.generalized_box_iou(
    ...     torch.cat([unit(5, 2), 1 + unit(5, 2)], 1), torch.cat([unit(3, 2), 0.9 + pos(3, 2)], 1)
    ... )
    """
    return helpers.generalized_box_iou(boxes1, boxes2)


@rule("torchvision.ops.box_convert", "torchvision.ops.boxes.box_convert", mode="along")
def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another format.

    >>> torchvision.ops.box_convert(f32(5, 4), "xyxy", "xywh")
    >>> torchvision.ops.box_convert(f32(5, 4), "xyxy", out_fmt="cxcywh")
    >>> torchvision.ops.box_convert(f32(5, 4), "xywh", "xyxy")
    >>> torchvision.ops.box_convert(f32(5, 4), "xywh", "cxcywh")
    >>> torchvision.ops.box_convert(f32(5, 4), "cxcywh", "xyxy")
    >>> torchvision.ops.box_convert(f32(5, 4), in_fmt="cxcywh", out_fmt="xywh")
    >>> torchvision.ops.box_convert(f32(5, 4), "xywh", "xywh")
    >>> torchvision.ops.box_convert(f32(5, 4), "xyxy", "xywhr")
    >>> torchvision.ops.box_convert(f32(5, 4), "xywhr", "xyxy")
    """
    if in_fmt not in ("xyxy", "xywh", "cxcywh") or out_fmt not in ("xyxy", "xywh", "cxcywh"):
        raise Unsupported("boxes that are turned", "write the conversion out")
    return helpers.box_convert(boxes, in_fmt, out_fmt)


@rule("torchvision.ops.clip_boxes_to_image", "torchvision.ops.boxes.clip_boxes_to_image", mode="along")
def clip_boxes_to_image(boxes: Tensor, size: Shape) -> Tensor:
    """Boxes within an image.

    >>> torchvision.ops.clip_boxes_to_image(3 * f32(7, 4), (2, 3))
    """
    return helpers.clip_boxes_to_image(boxes, size)


@rule("torchvision.ops.nms", "torchvision.ops.boxes.nms", rank=1, dtype="int", fresh=True)
def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Boxes that no better one overlaps.

    >>> torchvision.ops.nms(torch.cat([unit(9, 2), 1 + unit(9, 2)], 1), f32(9), 0.4)
    >>> torchvision.ops.nms(torch.cat([unit(9, 2), 1 + unit(9, 2)], 1), f32(9), iou_threshold=0.2)
    >>> torchvision.ops.nms(torch.cat([unit(9, 2), 1 + unit(9, 2)], 1), i64(9, high=3).double(), 0.4)
    """
    return helpers.nms(boxes, scores, iou_threshold)


@rule("torchvision.ops.batched_nms", "torchvision.ops.boxes.batched_nms", rank=1, dtype="int", fresh=True)
def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """Boxes that no better one of their class overlaps.

    >>> torchvision.ops.batched_nms(torch.cat([unit(9, 2), 1 + unit(9, 2)], 1), f32(9), i64(9, high=2), 0.2)
    """
    return helpers.nms(boxes, scores, iou_threshold, idxs)


@rule("torchvision.ops.sigmoid_focal_loss", "torchvision.ops.focal_loss.sigmoid_focal_loss", fresh=True)
def sigmoid_focal_loss(inputs: Tensor, targets: Tensor, alpha=0.25, gamma=2, reduction="none") -> Tensor:
    """Cross-entropy of logits that counts little where they are right.

    >>> torchvision.ops.sigmoid_focal_loss(f32(3, 5), b8(3, 5).double())
    >>> torchvision.ops.sigmoid_focal_loss(f32(3, 5), unit(3, 5), 0.6, gamma=1.5, reduction="mean")
    >>> torchvision.ops.sigmoid_focal_loss(f32(3, 5), b8(3, 5).double(), alpha=-1, reduction="sum")
    """
    return helpers.sigmoid_focal_loss(inputs, targets, alpha, gamma, reduction)
