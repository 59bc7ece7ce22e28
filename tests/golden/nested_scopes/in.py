import torch
from torch import nn


def make_net(dims, act):
    """A class and functions inside a function, which see its variables."""
    scale = 1.0 / len(dims)

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([linear(a, b) for a, b in zip(dims[:-1], dims[1:])])

        def forward(self, x):
            def branch(y, layer):
                nonlocal total
                y = act(layer(y)) * scale
                total = total + y.abs().mean()
                return y

            total = torch.zeros(())
            for layer in self.layers:
                x = branch(x, layer)
            return x, total

    def linear(a, b):
        return nn.Linear(a, b, bias=a != b)

    return Inner()


def tanh_net(*dims):
    return make_net(dims, torch.tanh)


def gelu_net(*dims):
    gelu = nn.GELU()
    return make_net(dims, lambda x: gelu(x))
