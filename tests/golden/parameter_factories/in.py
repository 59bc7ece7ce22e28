"""Functions and methods that make parameters for others."""

import torch
from torch import nn
def small(*shape, std=0.02):
    return nn.Parameter(torch.randn(*shape) * std)
def other(n):
    p = nn.Parameter(torch.empty(n))
    nn.init.normal_(p)
    return p
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.banks = small(2, 3, 5)
        self.b = other(5)
        self.c = self.make(5)
    def make(self, n):
        return nn.Parameter(torch.ones(n))
    def weight(self):
        w = self.banks
        return w
    def forward(self, x):
        return torch.einsum('w b d, w d r -> w b r', x, self.banks) + self.b * self.c + self.weight().sum()
