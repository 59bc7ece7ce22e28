"""A trained array goes into a list: it is one array, which changes."""

import torch
import torch.nn as nn
import torch.optim as optim


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
    x = inputs[0].flatten(1)[0].clone().requires_grad_(True)
    optimizer = optim.SGD([x], lr=0.1)
    history = []
    for i in range(4):
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        optimizer.step()
        history.append(x)
    return [h.sum().item() for h in history]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
