"""Model-agnostic meta-learning: fast weights of an inner loop, whose gradients keep their graph for the outer step."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Learner(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 50))
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x, weights):
        weight, bias = weights
        return F.linear(x.flatten(1), weight, bias)


def build():
    return (Learner(),)


def adapt(learner, x, y):
    fast = [param.clone() for param in learner.parameters()]
    for _ in range(2):
        loss = F.cross_entropy(learner(x, fast), y)
        grads = torch.autograd.grad(loss, fast, create_graph=True)
        fast = [w - 0.5 * g for w, g in zip(fast, grads)]
    return fast


def adapt_to_first_order(learner, x, y):
    fast = [param.clone() for param in learner.parameters()]
    for _ in range(2):
        loss = F.cross_entropy(learner(x, fast), y)
        weight_grad, bias_grad = torch.autograd.grad(loss, fast)
        fast = [fast[0] - 0.5 * weight_grad, fast[1] - 0.5 * bias_grad]
    return fast


def train(learner, inputs, labels):
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.1)
    losses = []
    for adapted in (adapt, adapt_to_first_order):
        for epoch in range(3):
            meta_loss = 0.0
            for x, y in zip(inputs, labels):
                # weights are adapted to the first half of a task, and tested on the second
                fast = adapted(learner, x[:3], y[:3])
                meta_loss = meta_loss + F.cross_entropy(learner(x[3:], fast), y[3:])
            optimizer.zero_grad()
            meta_loss.backward()
            optimizer.step()
            losses.append(meta_loss.item())
    return losses
