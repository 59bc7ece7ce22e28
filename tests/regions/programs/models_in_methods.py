"""A class with everything on itself: methods that a loss is made of use what is trained."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 8)
        self.fc2 = nn.Linear(8, 1)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


def build():
    return (Net(),)


class PhysicsInformedNN:
    def __init__(self, net, points, u):
        self.x = points[:, 0:1].clone().detach().requires_grad_(True)
        self.t = points[:, 1:2].clone().detach().requires_grad_(True)
        self.u = u
        self.viscosity = 0.1
        self.dnn = net
        self.optimizer = torch.optim.LBFGS(self.dnn.parameters(), lr=0.5, max_iter=3)
        self.adam = torch.optim.Adam(self.dnn.parameters(), lr=0.01)
        self.calls = 0
        self.losses = []

    def net_u(self, x, t):
        return self.dnn(torch.cat([x, t], dim=1))

    def net_f(self, x, t):
        u = self.net_u(x, t)
        u_t = torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
        u_x = torch.autograd.grad(u, x, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
        u_xx = torch.autograd.grad(u_x, x, grad_outputs=torch.ones_like(u_x), retain_graph=True, create_graph=True)[0]
        return u_t + u * u_x - self.viscosity * u_xx

    def loss_func(self):
        self.optimizer.zero_grad()
        u_pred = self.net_u(self.x, self.t)
        f_pred = self.net_f(self.x, self.t)
        loss = torch.mean((self.u - u_pred) ** 2) + torch.mean(f_pred**2)
        loss.backward()
        self.calls += 1
        self.losses.append(loss.item())
        return loss

    def train(self, epochs):
        for epoch in range(epochs):
            loss = ((self.u - self.net_u(self.x, self.t)) ** 2).mean() + (self.net_f(self.x, self.t) ** 2).mean()
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()
            self.losses.append(loss.item())
        self.optimizer.step(self.loss_func)


def train(net, inputs, labels):
    points = inputs.reshape(-1, 2)
    model = PhysicsInformedNN(net, points, torch.sin(points[:, 0:1]))
    model.train(2)
    predicted = model.net_u(points[:3, 0:1], points[:3, 1:2]).detach()
    return [*model.losses, model.calls, predicted.sum().item()]
