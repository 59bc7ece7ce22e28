import torch
import torch.nn as nn


class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func

    def forward(self, *args):
        return self.func(*args)

    def __repr__(self):
        return "Lambda()"


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, **kwargs):
        return self.fn(x, **kwargs) + x


class Net(nn.Module):
    def __init__(self, d=4, scale=0.5):
        super().__init__()
        self.net = nn.Sequential(
            Lambda(lambda x: x.flatten(1)),
            nn.Linear(d, d),
            Residual(nn.Sequential(nn.LayerNorm(d), Lambda(torch.sin))),
            Lambda(lambda x: x * scale),
        )
        self.square = lambda x: x**2
        self.acts = [lambda x: x, torch.relu, nn.GELU()]

    def forward(self, x):
        x = self.square(self.net(x))
        return sum(act(x) for act in self.acts)
