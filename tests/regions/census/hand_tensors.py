"""Two arrays with gradients, moved and zeroed through `.data`."""

import torch
import torch.nn as nn


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
    x = inputs[0].flatten(1)
    t = labels[0] * 1.0
    w = torch.zeros(50, dtype=x.dtype, requires_grad=True)
    b = torch.zeros(1, dtype=x.dtype, requires_grad=True)
    losses = []
    for step in range(5):
        loss = ((x @ w + b - t) ** 2).mean()
        loss.backward()
        w.data -= 0.01 * w.grad.data
        b.data -= 0.01 * b.grad.data
        w.grad.data.zero_()
        b.grad.data.zero_()
        losses.append(loss.item())
    return losses, w.sum().item(), b.item()


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
