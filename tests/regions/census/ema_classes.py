"""Averages of states as timm, YOLOv5 and dictionaries of arrays keep them."""

import copy
import math

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


class ModelEma(nn.Module):
    """timm's."""

    def __init__(self, model, decay=0.9999, device=None):
        super().__init__()
        self.module = copy.deepcopy(model)
        self.module.eval()
        self.decay = decay
        self.device = device
        if self.device is not None:
            self.module.to(device=device)

    def _update(self, model, update_fn):
        with torch.no_grad():
            for ema_v, model_v in zip(self.module.state_dict().values(), model.state_dict().values()):
                if self.device is not None:
                    model_v = model_v.to(device=self.device)
                ema_v.copy_(update_fn(ema_v, model_v))

    def update(self, model):
        self._update(model, update_fn=lambda e, m: self.decay * e + (1.0 - self.decay) * m)

    def set(self, model):
        self._update(model, update_fn=lambda e, m: m)


class ModelEMA:
    def __init__(self, model, decay):
        self.ema = copy.deepcopy(model).eval()
        self.updates = 0
        self.decay = lambda x: decay * (1 - math.exp(-x / 2))
        for p in self.ema.parameters():
            p.requires_grad_(False)

    def update(self, model):
        self.updates += 1
        d = self.decay(self.updates)
        msd = model.state_dict()
        for k, v in self.ema.state_dict().items():
            if v.dtype.is_floating_point:
                v *= d
                v += (1 - d) * msd[k].detach()


class EMA:
    """Shadow parameters in a dictionary of states."""

    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = {k: v.clone().detach() for k, v in model.state_dict().items()}
        self.backup = {}

    def update(self, model):
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.shadow[name] = self.decay * self.shadow[name] + (1 - self.decay) * value.detach()
            else:
                self.shadow[name] = value.clone()

    def apply(self, model):
        self.backup = {k: v.clone() for k, v in model.state_dict().items()}
        model.load_state_dict(self.shadow)

    def restore(self, model):
        model.load_state_dict(self.backup)


def train(model, inputs, labels):
    first, second, third = ModelEma(model, 0.9), ModelEMA(model, 0.9), EMA(model, 0.8)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        first.update(model)
        second.update(model)
        third.update(model)
        third.apply(model)
        with torch.no_grad():
            losses.append((loss.item(), F.cross_entropy(model(x), y).item()))
        third.restore(model)
    return losses, [first.module(inputs[0]).sum().item(), second.ema(inputs[0]).sum().item()]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
