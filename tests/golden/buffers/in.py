import torch
import torch.nn as nn


class RunningStats(nn.Module):
    """Buffers of every kind: kept, not kept, None, written in place and assigned."""

    def __init__(self, dim=4, momentum=0.1, track=True):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("var", torch.ones(dim) if track else None)
        self.register_buffer("count", torch.tensor(0, dtype=torch.long))
        self.register_buffer("window", torch.hann_window(dim), persistent=False)
        self.eps = 1e-5

    @torch.no_grad()
    def update(self, x):
        self.mean.mul_(1 - self.momentum).add_(self.momentum * x.mean(0))
        if self.var is not None:
            self.var = torch.lerp(self.var, x.var(0, unbiased=False), self.momentum)
        self.count += x.size(0)

    def forward(self, x):
        if self.training:
            self.update(x)
        x = x - self.mean
        if self.var is not None:
            x = x / torch.sqrt(self.var + self.eps)
        return x * self.window, self.count
