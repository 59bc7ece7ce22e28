"""Classes of layers that are compared: as values, of objects, in lists."""

from functools import partial

import torch.nn as nn

KINDS = [nn.BatchNorm2d, nn.GroupNorm]


class Block(nn.Module):
    def __init__(self, dim, norm_layer=nn.BatchNorm2d, act=nn.ReLU):
        super().__init__()
        if type(norm_layer) == partial:
            use_bias = norm_layer.func == nn.InstanceNorm2d
        else:
            use_bias = norm_layer == nn.InstanceNorm2d
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, bias=use_bias)
        self.norm = norm_layer(dim)
        self.act = act(inplace=True) if act is nn.ReLU else act()
        self.gain = 2.0 if act in (nn.GELU, nn.LeakyReLU) else 1.5

    def forward(self, x):
        return self.gain * self.act(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self, dim=3):
        super().__init__()
        self.embed = nn.Embedding(7, dim)
        self.a = Block(dim, nn.InstanceNorm2d)
        self.b = Block(dim, partial(nn.InstanceNorm2d, affine=True), nn.GELU)
        self.c = Block(dim, act=nn.LeakyReLU)
        self.up = nn.ConvTranspose2d(dim, 2, 2, stride=2)
        self.kinds = (nn.ConvTranspose2d, nn.GroupNorm)
        self.score = 0
        for m in self.modules():
            if type(m) in {nn.Embedding, nn.Conv2d}:
                nn.init.constant_(m.weight, 0.03)
            elif type(m) == nn.InstanceNorm2d or m.__class__ is nn.ConvTranspose2d:
                self.score += 1
            if type(m) in KINDS:
                self.score += 10
            if type(m) in self.kinds:
                self.score += 100
            kind = type(m)
            if kind is nn.Embedding:
                self.score += 1000

    def forward(self, x):
        h = self.embed(x).permute(0, 3, 1, 2)
        return self.up(self.c(self.b(self.a(h)))) * self.score
