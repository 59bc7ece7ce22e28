"""A norm that is chosen by name, of which one is a module of the project, and weights by names of classes."""

import functools

import torch.nn as nn
from torch.nn import init


class Identity(nn.Module):
    """Nothing."""

    def forward(self, x):
        return x


def get_norm_layer(kind):
    if kind == "batch":
        norm_layer = functools.partial(nn.BatchNorm2d, affine=True)
    elif kind == "instance":
        norm_layer = functools.partial(nn.InstanceNorm2d, affine=False)
    else:

        def norm_layer(dim):
            return Identity()

    return norm_layer


def init_weights(net, gain=0.02):
    def init_func(m):
        classname = m.__class__.__name__
        if hasattr(m, "weight") and (classname.find("Conv") != -1 or classname.find("Linear") != -1):
            init.constant_(m.weight.data, gain)
            if hasattr(m, "bias") and m.bias is not None:
                init.constant_(m.bias.data, 0.5)
        elif classname.find("BatchNorm2d") != -1:
            init.constant_(m.weight.data, 1.5)

    net.apply(init_func)
    return net


class Block(nn.Module):
    def __init__(self, dim, norm_layer):
        super().__init__()
        if type(norm_layer) == functools.partial:
            use_bias = norm_layer.func == nn.InstanceNorm2d
        else:
            use_bias = norm_layer == nn.InstanceNorm2d
        layers = [nn.Conv2d(dim, dim, 3, padding=1, bias=use_bias), norm_layer(dim), nn.ReLU(True)]
        self.body = nn.Sequential(*layers, nn.Conv2d(dim, dim, 1))
        self.norm = norm_layer(dim)
        self.skip = Identity()

    def forward(self, x):
        return self.skip(x) + self.norm(self.body(x))


class Net(nn.Module):
    def __init__(self, kind="batch", dim=3):
        super().__init__()
        self.block = init_weights(Block(dim, get_norm_layer(kind)))
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        return self.head(self.block(x).mean((2, 3)))
