"""Linear and polynomial regression: the first two models of every PyTorch course."""

import torch
import torch.nn as nn


class LinearRegression(nn.Module):
    """y = W x + b, fitted with the mean squared error."""

    def __init__(self, input_dim=1, output_dim=1):
        super(LinearRegression, self).__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        out = self.linear(x)
        return out


class Polynomial3(torch.nn.Module):
    """y = a + b x + c x^2 + d x^3 with four scalar parameters."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(()))
        self.b = torch.nn.Parameter(torch.randn(()))
        self.c = torch.nn.Parameter(torch.randn(()))
        self.d = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        return self.a + self.b * x + self.c * x**2 + self.d * x**3

    def string(self):
        """The fitted curve as text, e.g. for a plot's legend."""
        return f"y = {self.a.item():.3f} + {self.b.item():.3f} x + {self.c.item():.3f} x^2 + {self.d.item():.3f} x^3"


class RidgeRegression(nn.Module):
    """Linear regression on standardised inputs; `penalty()` is added to the loss."""

    def __init__(self, input_dim=4, output_dim=2, alpha=0.1):
        super().__init__()
        self.alpha = alpha
        # set by fit_scaler(), part of the checkpoint
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("scale", torch.ones(input_dim))
        self.linear = nn.Linear(input_dim, output_dim, bias=True)
        nn.init.zeros_(self.linear.bias)

    def fit_scaler(self, x):
        self.mean = x.mean(dim=0)
        self.scale = x.std(dim=0) + 1e-8

    def penalty(self):
        return self.alpha * self.linear.weight.pow(2).sum()

    def forward(self, x):
        x = (x - self.mean) / self.scale
        return self.linear(x), self.penalty()


def mse(pred, target):
    return ((pred - target) ** 2).mean()


def r2_score(pred, target):
    """Coefficient of determination, 1.0 for a perfect fit."""
    ss_res = torch.sum((target - pred) ** 2)
    ss_tot = torch.sum((target - torch.mean(target)) ** 2)
    return 1 - ss_res / ss_tot
