"""Parameters that are given other memory: who held the old array keeps it, who holds the parameter sees the new one."""

import torch
import torch.nn as nn


class Swapped(nn.Module):
    def __init__(self, n: int = 3):
        super().__init__()
        self.fc = nn.Linear(n, n)
        self.scale = nn.Parameter(torch.rand(n))
        self.backup = {}

    def doubled(self):
        old = self.scale.data
        self.scale.data = old * 2
        result = old + self.scale
        self.scale.data = old
        return result

    def store(self):
        for name, p in self.named_parameters():
            self.backup[name] = p.data
            p.data = p.data * 0.5

    def restore(self):
        for name, p in self.named_parameters():
            p.data = self.backup[name]

    def forward(self, x):
        before = self.fc(x)
        self.store()
        during = self.fc(x)
        self.restore()
        return before, during, self.fc(x), self.doubled(), self.scale * 1
