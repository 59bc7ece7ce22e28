"""What autograd does not see: writes and reads through `.data`, regions and methods without gradients."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Normalized(nn.Module):
    """Weights that every pass normalises: they are trained as they are then."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 3))
        self.fc = nn.Linear(3, 2)
        self.conv = nn.Conv1d(3, 2, 1)
        self.register_buffer("center", torch.rand(3))

    def prepare(self):
        self.weight.data = F.normalize(self.weight.data)
        self.weight.data[0] = 0.25
        self.weight.data *= 0.5
        self.fc.weight.data.mul_(0.9)
        with torch.no_grad():
            self.conv.weight.mul_(0.5)
            self.fc.bias += 0.1 * self.fc.weight.sum()
            self.weight *= 2

    def forward(self, x):
        self.prepare()
        y = F.linear(x, self.weight) + F.linear(x, self.weight.data)
        return y, self.fc(x), self.conv(x[..., None])


class Centered(nn.Module):
    """A running mean that is written with values that have gradients."""

    def __init__(self):
        super().__init__()
        self.register_buffer("center", torch.rand(3))
        self.scale = nn.Parameter(torch.rand(3))

    @torch.no_grad()
    def update(self, x):
        self.center.mul_(0.9).add_(x.mean(0), alpha=0.1)

    @torch.no_grad()
    def anchor(self):
        return self.scale.pow(2)

    def forward(self, x):
        x = x * self.scale
        self.update(x)
        before = x - self.center
        self.center.data.copy_(before.mean(0))
        return before * self.anchor() - self.center


class Clipped(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))

    def forward(self, x):
        h = x * self.scale
        h.data.clamp_(-0.5, 0.5)
        k = x + self.scale
        d = k.detach()
        d.mul_(2)
        m = x - self.scale
        m.data[0] = 1
        with torch.no_grad():
            k *= 2
            m[1] = 3
            m.mul_(2)
            m += self.scale
        s = self.scale.data
        return h, k, m, s * x


class Regions(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(3, 2)
        self.p = nn.Parameter(torch.rand(2))

    def pair(self, x):
        return self.l(x), self.p * 2

    def forward(self, x):
        with torch.no_grad():
            q, s = self.pair(x)
            z = self.l(x)
            z += 1
        return q * s * self.p + z * self.p


def loss(x: torch.Tensor, y: torch.Tensor):
    with torch.no_grad():
        t = y.exp()
        a, b = t * 2, t + 1
    return (x - a * b * t).mean()
