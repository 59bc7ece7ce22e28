"""Neural ordinary differential equations (Chen et al., 2018) with solvers of fixed step size."""

import torch
import torch.nn as nn


class ODEFunc(nn.Module):
    """dy/dt of the spiral: a small network of y^3. Counts how often it is evaluated."""

    def __init__(self, dim=2, hidden=50):
        super(ODEFunc, self).__init__()
        self.net = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.Tanh(),
            nn.Linear(hidden, dim),
        )
        self.nfe = 0
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        self.nfe += 1
        return self.net(y**3)


class ConcatLinear(nn.Linear):
    """A linear layer that also reads the time."""

    def __init__(self, dim_in, dim_out):
        super(ConcatLinear, self).__init__(dim_in + 1, dim_out)

    def forward(self, t, x):
        tt = torch.ones_like(x[:, :1]) * t
        return super(ConcatLinear, self).forward(torch.cat([tt, x], 1))


class TimeDependentFunc(nn.Module):
    def __init__(self, dim=2, hidden=16, depth=2):
        super().__init__()
        sizes = [dim] + [hidden] * depth + [dim]
        self.layers = nn.ModuleList()
        for a, b in zip(sizes[:-1], sizes[1:]):
            self.layers.append(ConcatLinear(a, b))
        self.act = nn.Softplus()

    def forward(self, t, x):
        for i, layer in enumerate(self.layers):
            x = layer(t, x)
            if i < len(self.layers) - 1:
                x = self.act(x)
        return x


def euler_step(func, t, dt, y):
    return y + dt * func(t, y)


def midpoint_step(func, t, dt, y):
    half = y + 0.5 * dt * func(t, y)
    return y + dt * func(t + 0.5 * dt, half)


def rk4_step(func, t, dt, y):
    """The classical method of fourth order."""
    k1 = func(t, y)
    k2 = func(t + dt / 2, y + dt * k1 / 2)
    k3 = func(t + dt / 2, y + dt * k2 / 2)
    k4 = func(t + dt, y + dt * k3)
    return y + (k1 + 2 * k2 + 2 * k3 + k4) * dt / 6


SOLVERS = {
    "euler": euler_step,
    "midpoint": midpoint_step,
    "rk4": rk4_step,
}


def odeint(func, y0, t, method="rk4", substeps=1):
    """States at the times t (T,), starting from y0 (N, D) at t[0]: (T, N, D)."""
    step = SOLVERS[method]
    solution = torch.empty(len(t), *y0.shape, dtype=y0.dtype, device=y0.device)
    solution[0] = y0
    y = y0
    for i in range(len(t) - 1):
        dt = (t[i + 1] - t[i]) / substeps
        for j in range(substeps):
            y = step(func, t[i] + j * dt, dt, y)
        solution[i + 1] = y
    return solution


class NeuralODE(nn.Module):
    """Trajectory of each start value: y0 (N, D) and times (T,) -> (T, N, D)."""

    def __init__(self, func=None, method="rk4", substeps=1):
        super().__init__()
        self.func = func if func is not None else ODEFunc()
        self.method = method
        self.substeps = substeps

    def forward(self, y0, t):
        return odeint(self.func, y0, t, method=self.method, substeps=self.substeps)


class ODEClassifier(nn.Module):
    """Linear in, an ODE block from time 0 to 1, linear out; a ResNet of infinitely many layers."""

    def __init__(self, in_dim=8, dim=6, num_classes=4, n_steps=5):
        super().__init__()
        self.input = nn.Linear(in_dim, dim)
        self.ode = NeuralODE(TimeDependentFunc(dim, hidden=2 * dim), method="midpoint")
        self.norm = nn.BatchNorm1d(dim)
        self.head = nn.Linear(dim, num_classes)
        self.register_buffer("times", torch.linspace(0, 1, n_steps + 1))

    def forward(self, x):
        y = self.ode(self.input(x), self.times)[-1]
        return self.head(self.norm(y))
