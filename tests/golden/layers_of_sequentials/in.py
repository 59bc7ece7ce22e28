import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.act = nn.GELU()
        self.fc = nn.Linear(width, out)

    def forward(self, x):
        return self.fc(self.act(self.norm(x)))


class Net(nn.Module):
    """Layers taken out of other modules: children, slices and stars."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), nn.Tanh())
        self.tail = nn.Sequential(*self.body[2:])
        self.longer = nn.Sequential(*self.body, nn.Linear(5, 3))
        self.headless = nn.Sequential(*list(self.body.children())[:-1])
        self.some = nn.ModuleList([*self.body[:2]])
        self.block = Block(5, 7)
        self.all = nn.Sequential(*self.block.children())
        self.count = len(self.body[1:])

    def forward(self, x):
        h = self.tail(self.body[:2](x))
        for layer in self.body[1:2]:
            h = layer(h)
        y = x
        for layer in self.some:
            y = layer(y)
        named = h
        for name, layer in self.block.named_children():
            if name != "act":
                named = layer(named)
        return h * self.count, self.longer(x), self.headless(x), y, self.all(h), named
