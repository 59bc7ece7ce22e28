"""Functions on tensors without a class, with constants at module level."""
import math
from typing import List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-7
SOBEL = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])


def focal_loss(logits: Tensor, target: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    p = torch.sigmoid(logits)
    ce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p_t = p * target + (1 - p) * (1 - target)
    loss = ce * ((1 - p_t) ** gamma)
    if alpha >= 0:
        loss = (alpha * target + (1 - alpha) * (1 - target)) * loss
    return loss.mean()


def gradients(image: Tensor) -> Tuple[Tensor, Tensor]:
    """Horizontal and vertical derivatives of (N, 1, H, W)."""
    kernel = SOBEL.to(image)[None, None]
    return F.conv2d(image, kernel, padding=1), F.conv2d(image, kernel.transpose(2, 3), padding=1)


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Boxes (N, 4) and (M, 4) as x, y, width, height -> overlaps (N, M)."""
    lt = torch.max(a[:, None, :2], b[:, :2])
    rb = torch.min((a[:, :2] + a[:, 2:])[:, None], b[:, :2] + b[:, 2:])
    inter = (rb - lt).clamp(min=0).prod(2)
    area = lambda box: box[:, 2] * box[:, 3]  # noqa: E731
    return inter / (area(a)[:, None] + area(b) - inter + EPS)


def gaussian_nll(x: Tensor, mean: Tensor, log_std: Optional[Tensor] = None, dims: List[int] = [1]) -> Tensor:
    if log_std is None:
        log_std = torch.zeros_like(mean)
    z = (x - mean) * torch.exp(-log_std)
    return (0.5 * z**2 + log_std + 0.5 * math.log(2 * math.pi)).sum(dims)
