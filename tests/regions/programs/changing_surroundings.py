"""What the loss function looks at besides its arguments changes from step to step: a global, an object, a method's own."""

import torch
import torch.nn as nn
import torch.nn.functional as F

weight = 0.0


class Settings:
    decay = 0.1


settings = Settings()
weights = {"mean": 0.0}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(50, 3)

    def forward(self, x):
        return self.head(x.flatten(1))


def build():
    return Net(), Net(), Net()


def loss_with_global(logits, y):
    return F.cross_entropy(logits, y) + weight * logits.pow(2).mean()


def anneal():
    global weight
    weight += 0.1


def loss_with_objects(logits, y):
    return F.cross_entropy(logits, y) + settings.decay * logits.pow(2).mean() + weights["mean"] * logits.mean()


class Trainer:
    def __init__(self, net):
        self.net = net
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)
        self.beta = 0.0
        self.smoothing = 0.1

    def criterion(self, logits, y):
        return self.smoothed(logits, y) + self.beta * logits.pow(2).mean()

    def smoothed(self, logits, y):
        return F.cross_entropy(logits, y, label_smoothing=self.smoothing)

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.criterion(self.net(x), y)
        loss.backward()
        self.optimizer.step()
        self.beta += 0.1
        return loss.item()


def train(first, second, third, inputs, labels):
    found = []
    optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = loss_with_global(first(x), y)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
        anneal()
    optimizer = torch.optim.SGD(second.parameters(), lr=0.1)
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = loss_with_objects(second(x), y)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
        settings.decay += 0.1
        weights["mean"] += 0.1
    trainer = Trainer(third)
    for x, y in zip(inputs, labels):
        found.append(trainer.step(x, y))
    return found
