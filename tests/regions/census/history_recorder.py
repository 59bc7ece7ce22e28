"""A recorder that keeps a parameter as NumPy's array, which shares its memory in PyTorch."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(50, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))


class Recorder:
    def __init__(self):
        self.last = None
        self.history = []

    def update(self, p):
        self.last = p.detach().numpy()
        self.history.append(self.last)


def build():
    return (Net(),)


def train(model: Net, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = Recorder()
    for x, y in zip(inputs, labels):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorder.update(model.fc.weight)
    return [h.sum().item() for h in recorder.history]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
