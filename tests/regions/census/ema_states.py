"""Averages of all entries of a state, by name and in rows."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(F.relu(self.bn(self.conv(x))).mean((2, 3)))


def build():
    return (Net(),)


def update(ema, model, decay):
    with torch.no_grad():
        msd = model.state_dict()
        for k, v in ema.state_dict().items():
            if v.dtype.is_floating_point:
                v.copy_(decay * v + (1 - decay) * msd[k])


@torch.no_grad()
def blend(ema, model, d):
    esd, msd = ema.state_dict(), model.state_dict()
    for k in esd.keys():
        if esd[k].dtype.is_floating_point:
            esd[k].mul_(d).add_(msd[k], alpha=1 - d)
        else:
            esd[k].copy_(msd[k])


def mix(ema, model, decay):
    for p_ema, p in zip(ema.state_dict().values(), model.state_dict().values()):
        if p.is_floating_point():
            p_ema.copy_(p_ema * decay + p * (1 - decay))


def train(model, inputs, labels):
    first, second, third = copy.deepcopy(model).eval(), copy.deepcopy(model).eval(), copy.deepcopy(model).eval()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        update(first, model, 0.9)
        blend(second, model, 0.5)
        mix(third, first, 0.8)
        losses.append(loss.item())
    outputs = [first(inputs[0]).sum(), second(inputs[0]).sum(), third(inputs[0]).sum()]
    return losses, [value.item() for value in outputs]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
