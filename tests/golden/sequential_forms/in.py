from collections import OrderedDict

import torch.nn as nn


def mlp(sizes):
    return nn.Sequential(*[layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU())][:-1])


class Net(nn.Module):
    def __init__(self, d=5, depth=2):
        super().__init__()
        self.named = nn.Sequential(OrderedDict([
            ("fc1", nn.Linear(d, 8)),
            ("act1", nn.ReLU()),
            ("fc2", nn.Linear(8, d)),
        ]))

        self.grown = nn.Sequential()
        for i in range(depth):
            self.grown.add_module("layer%d" % i, nn.Linear(d, d))
            self.grown.add_module("act%d" % i, nn.Tanh())

        layers = [nn.Linear(d, 6)]
        layers.append(nn.LayerNorm(6))
        layers += [nn.Linear(6, d)]
        self.listed = nn.Sequential(*layers)
        self.nested = nn.Sequential(nn.Sequential(nn.Linear(d, 4), nn.Sigmoid()), mlp([4, 7, 3]))

    def forward(self, x):
        x = x + self.named(x)
        x = self.grown(x)
        x = self.listed(x)
        x = x + self.named.fc2(self.named[0](x))
        for layer in self.grown:
            x = layer(x)
        return self.nested(x), len(self.listed)
