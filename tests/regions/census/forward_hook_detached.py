"""Hooks that keep what layers are given and give, in whichever axis order these work, until they are removed."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.pool(self.relu(self.conv(x))).flatten(1))


class Recorder:
    def __init__(self, layer):
        self.data = None
        self.calls = 0
        self.handle = layer.register_forward_hook(self.hook)

    def hook(self, module, inputs, output):
        self.data = output.detach()
        self.calls += 1

    def remove(self):
        self.handle.remove()


def build():
    return (Net(),)


activations = {}


def activation_of(name):
    def hook(module, inputs, output):
        activations[name] = output.detach()

    return hook


def train(model, inputs, labels):
    seen = []
    recorder = Recorder(model.relu)
    model.conv.register_forward_hook(activation_of("conv"))
    handle = model.fc.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if len(losses) == 2:
            handle.remove()
            recorder.remove()
    kept = [activations["conv"][0, 1, 2, 0], activations["conv"][1, 3, 0, 2], recorder.data[0, 3, 2, 1]]
    return losses, [*kept, recorder.calls], [row.sum() for row in seen]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
