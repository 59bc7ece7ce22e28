"""Gradients that are measured, scaled and changed between the backward pass and the update."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.norm = nn.GroupNorm(2, 4)
        for p in self.norm.parameters():
            p.requires_grad = False
        self.body = nn.Sequential(nn.Linear(36, 8), nn.Tanh())
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.body(self.norm(self.conv(x)).flatten(1)))


def build():
    return (Net(),)


def measured(model: Net, inputs, labels, found):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        total_norm = 0
        for name, p in model.named_parameters():
            if p.grad is not None:
                total_norm += p.grad.data.norm(2).item() ** 2
                found.append(len(name) * p.grad.abs().mean().item())
        found.append(total_norm**0.5)
        found.append(model.conv.weight.grad[0, 1, 2, 0].item())
        if total_norm < 10:
            optimizer.step()


def changed(model: Net, inputs, labels, found):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y, reduction="sum")
        loss.backward()
        for p in model.parameters():
            if p.requires_grad:
                p.grad.data.div_(len(x))
                p.grad.add_(p.detach(), alpha=0.01)  # decay
        for p in model.head.parameters():
            p.grad *= 10
        model.body[0].weight.grad[0] = 0
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        found.append(norm.item())
        optimizer.step()
        found.append(loss.item())


def fisher_information(model: Net, inputs, labels):
    fisher = {}
    for name, p in model.named_parameters():
        fisher[name] = torch.zeros_like(p)
    for x, y in zip(inputs, labels):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for name, p in model.named_parameters():
            if p.grad is not None:
                fisher[name] = fisher[name] + p.grad.detach() ** 2 / len(inputs)
    return fisher


def train(model, inputs, labels):
    found = []
    measured(model, inputs, labels, found)
    changed(model, inputs, labels, found)
    fisher = fisher_information(model, inputs, labels)
    return found + [value.sum().item() for value in fisher.values()]
