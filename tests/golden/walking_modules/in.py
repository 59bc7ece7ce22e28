import torch
import torch.nn as nn


class Walk(nn.Module):
    """Loops over children, slices and reversed lists of modules."""

    def __init__(self, d=4, depth=4):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(d, d) for _ in range(depth)])
        self.layers.append(nn.Linear(d, d, bias=False))
        self.layers.extend(nn.Sequential(nn.LayerNorm(d), nn.Tanh()) for _ in range(2))
        self.layers.insert(0, nn.Identity())
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in self.layers)
        self.tail = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 3))
        self.tap = 2

    def forward(self, x):
        taps = []
        for i, (layer, norm) in enumerate(zip(self.layers[:-1], self.norms)):
            x = x + layer(norm(x))
            if i == self.tap:
                taps.append(x)
        for layer in reversed(self.layers[1:3]):
            x = layer(x)
        x = self.layers[-1](x)
        for name, child in self.tail.named_children():
            x = child(x)
            if name == "1":
                taps.append(x)
        return x, torch.cat(taps, dim=1), self.tail[0](taps[0]), self.tail[:2](taps[1])

    def summary(self):
        return {name: sum(p.numel() for p in m.parameters()) for name, m in self.named_children()}
