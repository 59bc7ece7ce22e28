"""A trainer that is given two networks and an optimizer of both, with a method that is called like one of dict's."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs))

    def forward(self, x):
        return self.net(x)


class Trainer:
    def __init__(self, online, target, predictor, optimizer, momentum=0.9):
        self.online = online
        self.target = target
        self.predictor = predictor
        self.optimizer = optimizer
        self.momentum = momentum

    @staticmethod
    def regression_loss(x, y):
        return 2 - 2 * (F.normalize(x, dim=1) * F.normalize(y, dim=1)).sum(dim=-1)

    @torch.no_grad()
    def follow(self):
        for new, kept in zip(self.online.parameters(), self.target.parameters()):
            kept.data = kept.data * self.momentum + new.data * (1 - self.momentum)

    def train(self, inputs):
        history = []
        for x in inputs:
            view = x.flatten(1)
            loss = self.update(view, view.flip(1))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.follow()
            history.append(loss.item())
        return history

    def update(self, one, other):
        prediction = self.predictor(self.online(one))
        with torch.no_grad():
            wanted = self.target(other)
        return self.regression_loss(prediction, wanted).mean()


def build():
    return Net(50, 5), Net(50, 5), Net(5, 5)


def train(online: Net, target: Net, predictor: Net, inputs, labels):
    optimizer = torch.optim.SGD(list(online.parameters()) + list(predictor.parameters()), lr=0.1, momentum=0.9)
    trainer = Trainer(online, target, optimizer=optimizer, predictor=predictor)
    return [trainer.train(inputs) for epoch in range(2)]
