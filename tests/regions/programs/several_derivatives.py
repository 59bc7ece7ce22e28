"""A physics-informed network: derivatives of its output, of each other, and of both in the loss of a step."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t], dim=1))


def build():
    return (Net(),)


def residual(net: Net, x, t):
    u = net(x, t)
    u_t = torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
    u_x = torch.autograd.grad(u, x, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x, grad_outputs=torch.ones_like(u_x), retain_graph=True, create_graph=True)[0]
    return u_t + u * u_x - 0.01 * u_xx


def stream_function(net: Net, x, t):
    psi = net(x, t) * x
    u = torch.autograd.grad(psi.sum(), t, create_graph=True)[0]
    v = -torch.autograd.grad(psi.sum(), x, create_graph=True)[0]
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    v_t = torch.autograd.grad(v.sum(), t, create_graph=True)[0]
    return u_t + u * u_x + v * v_t


def with_adam(net, x, t, losses):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(3):
        optimizer.zero_grad()
        loss = residual(net, x, t).pow(2).mean() + stream_function(net, x, t).pow(2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())


def with_lbfgs(net, x, t, losses):
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=3)
    calls = 0

    def closure():
        nonlocal calls
        optimizer.zero_grad()
        u = net(x, t)
        u_x = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
        u_xx = torch.autograd.grad(u_x, x, torch.ones_like(u_x), create_graph=True)[0]
        loss_f = torch.mean((u_xx + u) ** 2)
        loss_u = torch.mean((u - torch.sin(x)) ** 2)
        loss = loss_f + loss_u
        loss.backward()
        calls += 1
        losses.append(loss_u.item())
        if calls % 2 == 0:
            print(f"{calls}: {loss.item():.5e}")
        return loss

    optimizer.step(closure)
    losses.append(calls)


def train(net, inputs, labels):
    points = inputs.reshape(-1, 2)
    x = points[:, 0:1].clone().requires_grad_(True)
    t = points[:, 1:2].clone()
    t.requires_grad = True
    losses = []
    with_adam(net, x, t, losses)
    with_lbfgs(net, x, t, losses)
    return losses
