"""Several gradients for one update: of two tasks, one without its part against the other, and at a point near by."""

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


def two_tasks(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    found = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        first = [p.grad.detach().clone() for p in model.parameters()]
        optimizer.zero_grad()
        loss = model(x.flip(-1)).pow(2).mean()
        loss.backward()
        second = [p.grad.clone() for p in model.parameters()]
        dot = sum((a * b).sum() for a, b in zip(first, second))
        norm = sum((a * a).sum() for a in first)
        for p, a, b in zip(model.parameters(), first, second):
            p.grad = b - dot / norm * a
        optimizer.step()
        found += [loss.item(), dot.item()]
    return found


def sharpness_aware(model, inputs, labels, rho=0.05):
    for p in model.head.parameters():
        p.requires_grad = False
    optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)
    found = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        norms = [p.grad.norm(p=2) for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        scale = rho / torch.norm(torch.stack(norms), p=2)
        moves = []
        with torch.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    move = p.grad * scale
                    p.add_(move)
                    moves.append(move)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    p.sub_(moves.pop(0))
        optimizer.step()
        found.append(loss.item())
    return found


def train(model, inputs, labels):
    return two_tasks(model, inputs, labels) + sharpness_aware(model, inputs, labels)
