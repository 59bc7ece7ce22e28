import torch
from torch import nn


class Compare(nn.Module):
    """Comparisons of numbers, of sizes, of tensors; chained and combined."""

    def __init__(self, low=-0.5, high=0.5):
        super().__init__()
        assert low < 0 < high
        self.low, self.high = low, high

    def forward(self, x):
        inside = (self.low < x) & (x <= self.high)
        outside = ~inside | (x == 0)
        if 0 < x.size(0) <= 4 and x.shape[1] != 1:
            x = x + 1
        mean = x.mean()
        if -10 < mean < 10:
            x = x * 2
        if self.low < mean.item() and not (mean > 100):
            x = x - 1
        several = torch.logical_and(x > 0, x.lt(1)).any()
        return inside, outside, x, several, x.ge(0).all(), (x != x).sum(), x.eq(x)
