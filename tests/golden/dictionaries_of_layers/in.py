"""Dictionaries of layers that are gone through: in the order in which the layers were put in."""

import torch
import torch.nn as nn


class Heads(nn.Module):
    def __init__(self, names=("z", "a")):
        super().__init__()
        self.heads = nn.ModuleDict({"z": nn.Linear(3, 3), "a": nn.LayerNorm(3)})
        self.sorted = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.LayerNorm(3)})
        self.named = nn.ModuleDict({name: nn.Linear(3, 3) for name in names})
        self.scales = nn.ParameterDict({"y": nn.Parameter(torch.rand(3)), "b": nn.Parameter(torch.rand(3))})
        self.known = {"z": torch.linspace(0, 1, 3), "a": torch.linspace(1, 3, 3)}

    def forward(self, x):
        for name, head in self.heads.items():
            x = head(x)
        for head in self.sorted.values():
            x = head(x)
        for name in self.named:
            x = torch.tanh(self.named[name](x))
        for i, name in enumerate(self.named):
            x = x * (i + 2)
        x = torch.cat([x, *[s * x for s in self.scales.values()]])
        total = sum(p.sum() for p in self.scales.values())
        assert "z" in self.heads.keys() and len(self.heads) == 2
        names = list(self.heads)
        return x, total, [self.heads[k](x) for k in self.heads], self.named[list(self.named.keys())[0]](x), [v + 1 for v in self.known.values()]
