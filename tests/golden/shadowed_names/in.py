"""Names of torch that mean something else here."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def relu(x):
    """Not torch's: leaky below zero."""
    return torch.where(x > 0, x, 0.1 * x)


class Linear:
    """Not torch's: a straight line through the origin."""

    def __init__(self, slope):
        self.slope = slope

    def __call__(self, x):
        return self.slope * x


def count_frames(nn, F=2):
    # here nn is a number
    return nn * F


class Net(nn.Module):
    def __init__(self, d=4, softmax=True):
        super().__init__()
        self.line = Linear(3.0)
        self.fc = nn.Linear(d, d)
        self.softmax = softmax
        self.frames = count_frames(3)

    def forward(self, x):
        x = relu(self.fc(x)) + F.relu(x)
        F_ = self.line(x)
        max = F_.max()
        if self.softmax:
            softmax = F.softmax(F_ - max, dim=1)
            return softmax * self.frames
        return F_ / max
