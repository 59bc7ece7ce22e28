"""Settings in objects and dictionaries that nothing is known of: a step is given what it reads, as constants."""

import argparse
from dataclasses import dataclass
from types import SimpleNamespace

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


@dataclass
class Config:
    lr: float = 0.05
    weight: float = 0.3
    mode: str = "mean"


def penalty(out, settings):
    values = out.pow(2)
    return settings.weight * (values.mean() if settings.mode == "mean" else values.sum())


def train_one_epoch(model, loader, optimizer, args, conf, table):
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y) * args.scale + penalty(out, args)
        if args.kind == "smooth" and conf.name is None:
            loss = loss + conf.train.smooth * out.pow(2).mean()
        if table["flag"]:
            loss = loss * table["factor"]
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        losses.append(loss.item())
        args.weight *= 0.5
    return losses


class Trainer:
    def __init__(self, model: Net, config, args):
        self.model, self.config, self.args = model, config, args
        self.optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)

    def step(self, batch):
        out = self.model(batch["image"])
        loss = F.cross_entropy(out, batch["label"]) + penalty(out, self.config)
        if self.args.kind == "smooth":
            loss = loss + self.config.weight * out.pow(2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, inputs, labels):
        losses = []
        for x, y in zip(inputs, labels):
            losses.append(self.step({"image": x, "label": y}))
        return losses


def build():
    return Net(), Net()


def train(first, second, inputs, labels):
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=0.5)
    parser.add_argument("--clip", type=float, default=0.2)
    parser.add_argument("--weight", type=float, default=0.1)
    parser.add_argument("--kind", default="smooth")
    parser.add_argument("--mode", default="sum")
    args = parser.parse_args([])
    conf = SimpleNamespace(train=SimpleNamespace(smooth=0.2), name=None)
    table = {"factor": 1.5, "flag": True, "name": "run"}
    optimizer = torch.optim.Adam(first.parameters(), lr=0.01)
    losses = train_one_epoch(first, zip(inputs, labels), optimizer, args, conf, table)
    return losses, Trainer(second, Config(), args).fit(inputs, labels)
