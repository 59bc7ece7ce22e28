import torch
from torch import nn


class Adaptive(nn.Module):
    """Control flow and shapes that depend on values."""

    def __init__(self, dim=4, max_steps=6):
        super().__init__()
        self.step = nn.Linear(dim, dim)
        self.halt = nn.Linear(dim, 1)
        self.max_steps = max_steps

    def forward(self, x):
        if x.sum() > 0:
            x = x - x.mean()
        steps = 0
        while steps < self.max_steps:
            x = torch.tanh(self.step(x))
            steps += 1
            if torch.sigmoid(self.halt(x)).mean().item() > 0.55:
                break
        norm = x.norm(dim=1)
        kept = x[norm > norm.median()]
        rows = torch.nonzero(x[:, 0] > 0)
        if rows.numel() == 0:
            return kept, x.new_zeros(1)
        return kept, x[rows.squeeze(1)].sum(0)
