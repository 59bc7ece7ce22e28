"""Averages that are written into the parameters of another model, by name and by number."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
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


def accumulate(model1, model2, decay):
    par1 = dict(model1.named_parameters())
    par2 = dict(model2.named_parameters())
    for k in par1.keys():
        par1[k].data.mul_(decay).add_(par2[k].data, alpha=1 - decay)


def blend(target, source, decay):
    ours, theirs = list(target.parameters()), list(source.parameters())
    with torch.no_grad():
        for i in range(len(ours)):
            ours[i] *= decay
            ours[i] += (1 - decay) * theirs[i]


def train(model, inputs, labels):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    ema = copy.deepcopy(model)
    slow = copy.deepcopy(model)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        accumulate(ema, model, 0.9)
        blend(slow, ema, 0.5)
        losses.append(loss.item())
    return losses, [ema(x).sum().item() for x in inputs], [slow(x).sum().item() for x in inputs]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
