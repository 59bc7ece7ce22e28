"""Layers that travel as classes: arguments, defaults, tuples for isinstance."""
from functools import partial

import torch.nn as nn

NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)


class ConvNormAct(nn.Module):
    def __init__(self, c_in, c_out, norm_layer=nn.BatchNorm2d, act_layer=nn.ReLU, conv_layer=nn.Conv2d, **kwargs):
        super().__init__()
        self.conv = conv_layer(c_in, c_out, 3, padding=1, bias=norm_layer is None, **kwargs)
        self.norm = norm_layer(c_out) if norm_layer is not None else nn.Identity()
        self.act = act_layer(inplace=True) if act_layer is nn.ReLU else act_layer()

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self, width=6, norm="batch"):
        super().__init__()
        norm_layer = {"batch": nn.BatchNorm2d, "group": partial(nn.GroupNorm, 2), "none": None}[norm]
        self.a = ConvNormAct(2, width, norm_layer=norm_layer)
        self.b = ConvNormAct(width, width, norm_layer, act_layer=nn.GELU, stride=2)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            elif isinstance(m, NORMS):
                nn.init.constant_(m.weight, 0.9)

    def forward(self, x):
        return self.b(self.a(x))

    def count(self):
        return sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in self.modules())
