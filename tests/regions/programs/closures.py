"""Losses in a closure: L-BFGS with and without a line search, of a network and of an image, and plain optimizers."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


def build():
    return Net(), Net()


def quasi_newton(net, x, y, line_search):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.LBFGS(net.parameters(), lr=0.5, max_iter=4, line_search_fn=line_search)
    losses = []
    for step in range(3):

        def closure():
            # clear gradients
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            losses.append(loss.item())
            return loss

        optimizer.step(closure)
    return losses


def paint(net, content, style):
    image = content.clone().requires_grad_(True)
    optimizer = optim.LBFGS([image], max_iter=3)
    wanted = net(style).detach()
    run = [0]
    found = []
    while run[0] <= 10:

        def closure():
            with torch.no_grad():
                image.clamp_(-2, 2)
            optimizer.zero_grad()
            features = net(image)
            style_score = F.mse_loss(features, wanted)
            content_score = 0.1 * F.mse_loss(image, content)
            loss = style_score + content_score
            loss.backward()
            run[0] += 1
            found.append(style_score.item() + content_score.item())
            return style_score + content_score

        optimizer.step(closure)
    with torch.no_grad():
        image.clamp_(-2, 2)
    return found, image.sum().item()


def descend(net, inputs, labels):
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for x, y in zip(inputs, labels):

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        losses.append(loss.item())
    return losses


class Solver:
    def __init__(self, net, x, y):
        self.net = net
        self.x, self.y = x, y
        self.optimizer = optim.LBFGS(self.net.parameters(), lr=0.5, max_iter=3)
        self.calls = 0
        self.losses = []

    def closure(self):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.net(self.x), self.y)
        loss.backward()
        self.calls += 1
        if self.calls % 2 == 0:
            print(f"{self.calls}: {loss.item():.4f}")
        return loss

    def solve(self):
        for _ in range(2):
            self.losses.append(self.optimizer.step(self.closure).item())
        return [*self.losses, self.calls]


def train(first, second, inputs, labels):
    return [
        quasi_newton(first, inputs[0], labels[0], "strong_wolfe"),
        quasi_newton(second, inputs[1], labels[1], None),
        paint(first, inputs[1], inputs[2]),
        descend(second, inputs, labels),
        Solver(first, inputs[2], labels[2]).solve(),
    ]
