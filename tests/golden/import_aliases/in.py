import torch as th
import torch.nn
import torch.nn.functional as nnf
import torch.nn.init as I
from torch import nn as layers, Tensor as T
from torch.nn import BatchNorm1d as BN, Linear, Module as Base, Parameter
from torch.nn import functional
from torch.nn.functional import relu as activate, softmax


class Net(Base):
    def __init__(self, d=5, k=3):
        super().__init__()
        self.a = Linear(d, d)
        self.b = layers.Linear(d, d, bias=False)
        self.c = torch.nn.Linear(d, k)
        self.bn = BN(d)
        self.w = Parameter(th.ones(d))
        I.normal_(self.w, std=0.1)

    def forward(self, x: T) -> T:
        x = activate(self.a(x))
        x = nnf.silu(self.bn(x)) + functional.gelu(self.b(x))
        return softmax(self.c(x * self.w), dim=-1) + torch.sigmoid(th.sum(x))

    def unit(self, x):
        from torch.nn.functional import normalize as unit_length
        import torch.linalg as LA

        y = unit_length(self.a(x), dim=0)
        return y, LA.norm(y, dim=1), torch.linalg.vector_norm(y)
