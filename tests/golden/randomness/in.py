"""Random numbers inside a forward; without them in eval mode."""
import random

import numpy as np
import torch
import torch.nn as nn


class Noisy(nn.Module):
    def __init__(self, d=4, std=0.1, p=0.3):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.std, self.p = std, p

    def forward(self, x):
        if not self.training:
            return self.fc(x)
        x = x + self.std * torch.randn_like(x)
        x = x + torch.empty_like(x).normal_(0, self.std) * torch.randn(1, x.size(1), device=x.device)
        keep = torch.rand(x.size(0), 1) > self.p
        x = x * keep / (1 - self.p)
        perm = torch.randperm(x.size(0))
        lam = np.random.beta(0.4, 0.4)
        x = lam * x + (1 - lam) * x[perm]
        if random.random() < self.p:
            x = x.flip(1)
        choice = torch.randint(0, x.size(1), (1,)).item()
        mask = torch.bernoulli(torch.full_like(x, 0.5))
        gumbel = -torch.log(-torch.log(torch.rand_like(x) + 1e-9) + 1e-9)
        return self.fc(x * mask + gumbel) + torch.normal(0.0, self.std, size=x.shape) * choice
