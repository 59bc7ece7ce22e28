import torch
from torch import nn


class Mixer(nn.Module):
    def __init__(self, dim=4, n=3):
        super().__init__()
        self.bases = nn.ParameterList([nn.Parameter(torch.randn(dim, dim)) for _ in range(n)])
        self.extra = nn.ParameterList()
        for i in range(n):
            self.extra.append(nn.Parameter(torch.full((dim,), 0.1 * i)))
        self.gates = nn.ParameterDict({
            "in": nn.Parameter(torch.rand(n)),
            "out": nn.Parameter(torch.zeros(n)),
        })

    def forward(self, x):
        out = 0
        weights = torch.softmax(self.gates["in"], dim=0)
        for i, basis in enumerate(self.bases):
            out = out + weights[i] * (x @ basis) + self.extra[i]
        scale = sum(g.sum() for g in self.gates.values())
        return out * torch.sigmoid(self.gates["out"]).mean() + scale, len(self.bases)
