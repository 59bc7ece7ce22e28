"""ConvNeXt, a convolutional network in the clothes of a transformer (Liu et al., 2022)."""

from typing import Optional, Sequence

import torch
import torch.nn as nn
from torch import Tensor


class StochasticDepth(nn.Module):
    """While training, drop the branch of a whole sample with probability `p` and scale the others up."""

    def __init__(self, p: float = 0.0):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = 1.0 - self.p
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        mask = x.new_empty(shape).bernoulli_(keep)
        return x * mask / keep

    def extra_repr(self) -> str:
        return f"p={self.p:.3f}"


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of (N, C, H, W), at each pixel."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        centred = x - mean
        var = centred.pow(2).mean(1, keepdim=True)
        x = centred / torch.sqrt(var + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Block(nn.Module):
    """7x7 depthwise convolution, then an MLP on each pixel.

    The MLP uses Linear layers, so the data is channel-last in the middle. `layer_scale`, the initial
    scale of the branch, may be None for no scale at all.
    """

    def __init__(self, dim: int, drop_path: float = 0.0, layer_scale: Optional[float] = 1e-6, expansion: int = 4):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(dim, expansion * dim),
            nn.GELU(),
            nn.Linear(expansion * dim, dim),
        )
        if layer_scale is not None:
            self.gamma = nn.Parameter(layer_scale * torch.ones(dim), requires_grad=True)
        else:
            self.gamma = None
        self.drop_path = StochasticDepth(drop_path) if drop_path > 0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.dwconv(x).permute(0, 2, 3, 1)  # NCHW -> NHWC
        branch = self.mlp(self.norm(branch))
        if self.gamma is not None:
            branch = self.gamma * branch
        branch = branch.permute(0, 3, 1, 2)  # back to NCHW
        return x + self.drop_path(branch)


class ConvNeXt(nn.Module):
    """
    Args:
        in_chans: channels of the images
        num_classes: number of scores
        depths, dims: blocks and channels of each stage
        drop_path_rate: stochastic depth of the last block; it grows linearly from 0
        layer_scale: see `Block`
        head_scale: factor on the initial weights of the classifier
    """

    def __init__(
        self,
        in_chans: int = 3,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 3, 9, 3),
        dims: Sequence[int] = (96, 192, 384, 768),
        drop_path_rate: float = 0.0,
        layer_scale: Optional[float] = 1e-6,
        head_scale: float = 1.0,
    ):
        super().__init__()
        rates = [r.item() for r in torch.linspace(0, drop_path_rate, sum(depths))]

        self.downsamplers = nn.ModuleList()
        self.stages = nn.ModuleList()
        first = 0
        for i, (depth, dim) in enumerate(zip(depths, dims)):
            if i == 0:
                down = nn.Sequential(nn.Conv2d(in_chans, dim, kernel_size=4, stride=4), LayerNorm2d(dim))
            else:
                down = nn.Sequential(LayerNorm2d(dims[i - 1]), nn.Conv2d(dims[i - 1], dim, kernel_size=2, stride=2))
            self.downsamplers.append(down)
            self.stages.append(nn.Sequential(*[Block(dim, rates[first + j], layer_scale) for j in range(depth)]))
            first += depth

        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)
        self.head = nn.Linear(dims[-1], num_classes)

        self.apply(self._init_weights)
        self.head.weight.data.mul_(head_scale)
        self.head.bias.data.mul_(head_scale)

    def _init_weights(self, m: nn.Module) -> None:
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(m.weight, std=0.02)
            nn.init.constant_(m.bias, 0)

    def forward_features(self, x: Tensor) -> Tensor:
        for i in range(len(self.stages)):
            x = self.downsamplers[i](x)
            x = self.stages[i](x)
        return self.norm(x.mean([-2, -1]))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x))


def convnext_tiny(**kwargs) -> ConvNeXt:
    return ConvNeXt(depths=[3, 3, 9, 3], dims=[96, 192, 384, 768], **kwargs)


def convnext_micro(**kwargs) -> ConvNeXt:
    """Small enough for tests, with stochastic depth."""
    kwargs.setdefault("drop_path_rate", 0.2)
    return ConvNeXt(depths=[1, 2, 3, 1], dims=[16, 24, 32, 40], **kwargs)
