import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class WSConv2d(nn.Conv2d):
    """Convolution with standardised weights."""

    def forward(self, x):
        w = self.weight
        mean = w.mean(dim=(1, 2, 3), keepdim=True)
        std = w.flatten(1).std(dim=1).view(-1, 1, 1, 1) + 1e-5
        return F.conv2d(x, (w - mean) / std, self.bias, self.stride, self.padding, self.dilation, self.groups)


class EqualLinear(nn.Linear):
    def __init__(self, in_features, out_features, lr_mul=0.5, **kwargs):
        super().__init__(in_features, out_features, **kwargs)
        self.scale = lr_mul / math.sqrt(in_features)

    def forward(self, x):
        return F.linear(x, self.weight * self.scale, self.bias)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm for (N, C, H, W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Net(nn.Module):
    def __init__(self, width=6, out=4):
        super().__init__()
        self.stem = WSConv2d(3, width, 3, stride=2, padding=1)
        self.norm = ChannelNorm(width)
        self.mlp = Residual(EqualLinear(width, width), nn.ReLU())
        self.head = EqualLinear(width, out, lr_mul=1.0, bias=False)

    def forward(self, x):
        x = self.norm(self.stem(x)).mean((2, 3))
        return self.head(self.mlp(x))
