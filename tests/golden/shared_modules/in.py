import torch.nn as nn


class Siamese(nn.Module):
    """One tower for both inputs, one layer under two names, one matrix in two layers."""

    def __init__(self, d=5, depth=3):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(d, d), nn.PReLU(), nn.Linear(d, d))
        self.tower2 = self.tower
        step = nn.Linear(d, d)
        self.steps = nn.ModuleList([step] * depth)
        self.enc = nn.Linear(d, 3, bias=False)
        self.dec = nn.Linear(3, d, bias=False)
        self.same = nn.Linear(d, 3, bias=False)
        self.same.weight = self.enc.weight
        self.act = nn.Tanh()

    def forward(self, a, b):
        a, b = self.tower(a), self.tower2(b)
        for step in self.steps:
            a = self.act(step(a))
        return self.dec(self.enc(a)) + b, self.same(b)
