"""An average of parameters and running statistics beside the model, and groups of parameters by their number of axes."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = F.silu(self.norm(self.conv(x)))
        return self.fc(x.mean((2, 3)))


class Average:
    def __init__(self, model, decay=0.9):
        self.model = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.model.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for mine, theirs in zip(self.model.parameters(), model.parameters()):
            mine.mul_(self.decay).add_(theirs, alpha=1 - self.decay)
        for mine, theirs in zip(self.model.buffers(), model.buffers()):
            if mine.dtype.is_floating_point:
                mine.mul_(self.decay).add_(theirs, alpha=1 - self.decay)
            else:
                mine.copy_(theirs)


def build():
    return [Net()]


def train(model: Net, images, labels):
    model = model.to(torch.device("cpu"))
    decayed, plain = [], []
    for _, p in model.named_parameters():
        (plain if p.ndim == 1 else decayed).append(p)
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)
    average = Average(model)
    losses = []
    for x, y in zip(images, labels):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        average.update(model)
        losses.append(loss.item())
        with torch.no_grad():
            losses.append(average.model(x).square().sum().item())
    return losses
