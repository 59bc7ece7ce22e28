"""Functions and methods that look at gradients: their norm, limits for those of an optimizer or a list, a log, a penalty."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(50, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x.flatten(1))))


def build():
    return (Net(),)


def grad_norm(model: nn.Module) -> float:
    total = 0.0
    for p in model.parameters():
        if p.grad is not None:
            total += p.grad.data.norm(2).item() ** 2
    return total**0.5


def clip_gradient(optimizer, limit):
    for group in optimizer.param_groups:
        for param in group["params"]:
            if param.grad is not None:
                param.grad.data.clamp_(-limit, limit)


def decay(parameters, rate=0.1):
    for p in parameters:
        p.grad.add_(p.data, alpha=rate)


def largest(params):
    return max(p.grad.abs().max() for p in params).item()


def first_row(model: Net):
    return model.head.weight.grad[0].clone()


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        self.log = []

    def note(self, names):
        for name, p in self.model.named_parameters():
            if name.startswith(names):
                self.log.append(p.grad.mean().item())

    def fit(self, inputs, labels):
        for x, y in zip(inputs, labels):
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()
            self.note("head")
            decay(self.model.body.parameters())
            self.optimizer.step()


def train(model, inputs, labels):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    params = [p for p in model.parameters() if p.requires_grad]
    found = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        found += [grad_norm(model), largest(params=params), first_row(model).sum().item()]
        clip_gradient(optimizer, 0.02)
        decay(params, rate=0.5)
        optimizer.step()
        found += [loss.item(), grad_norm(model)]
    trainer = Trainer(model, 0.1)
    trainer.fit(inputs, labels)
    return found + trainer.log
