"""Gradients of single examples by torch.func."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, vmap


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


def build():
    return (Net(),)


def train(model, inputs, labels):
    params = {n: p.detach() for n, p in model.named_parameters()}

    def loss_of(params, x, y):
        return F.cross_entropy(functional_call(model, params, (x[None],)), y[None])

    grads = vmap(grad(loss_of), in_dims=(None, 0, 0))(params, inputs[0], labels[0])
    return [g.abs().sum().item() for g in grads.values()]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
