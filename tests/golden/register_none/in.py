import math

import torch
import torch.nn as nn
from torch.nn.parameter import Parameter


class BatchLinear(nn.Module):
    """One matrix for each group; a bias that may not exist, under its own name."""

    def __init__(self, groups, d_in, d_out, bias=True):
        super().__init__()
        self.weight = Parameter(torch.empty(groups, d_in, d_out))
        if bias:
            self.bias = Parameter(torch.empty(groups, 1, d_out))
        else:
            self.register_parameter("bias", None)
        self.register_parameter("scale", nn.Parameter(torch.ones(1)))
        self.register_module("norm", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight.size(1))
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x):
        y = torch.bmm(x, self.weight) * self.scale
        if self.bias is not None:
            y = y + self.bias
        return y if self.norm is None else self.norm(y)
