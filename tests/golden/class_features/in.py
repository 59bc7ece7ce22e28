"""Properties, static and class methods, printing, class attributes, super with a mixin."""
import torch
import torch.nn as nn


class Describable:
    verbose = False

    def describe(self):
        return f"{type(self).__name__} with {self.num_params} parameters"


class Scale(nn.Module, Describable):
    __constants__ = ["eps"]
    eps: float = 1e-3
    max_value: int

    def __init__(self, dim=4, init=1.0):
        super().__init__()
        self.weight = nn.Parameter(self.initial(dim, init))
        self._dim = dim

    @property
    def dim(self):
        return self._dim

    @property
    def device(self):
        return next(self.parameters()).device

    @property
    def num_params(self):
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    @staticmethod
    def initial(dim, value):
        return torch.full((dim,), value)

    @classmethod
    def from_config(cls, config):
        return cls(dim=config["dim"], init=config.get("init", 0.5))

    def extra_repr(self) -> str:
        return "dim={}, eps={eps}".format(self._dim, eps=self.eps)

    def forward(self, x):
        return x * self.weight / (x.abs().sum(-1, keepdim=True) + self.eps) * self.dim

    def __len__(self):
        return self._dim
