"""A trainer with annotations of torch's classes, whose gradients are clipped where its settings say so."""

from dataclasses import dataclass
from typing import Optional

import torch
from torch import nn


@dataclass
class Config:
    grad_clip: Optional[float] = 0.5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(50, 8), nn.GELU(), nn.Linear(8, 3))

    def forward(self, x):
        return self.net(x)


class Trainer:
    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, criterion: nn.Module, config: Config):
        self.model = model
        self.optimizer = optimizer
        self.criterion = criterion
        self.config = config

    def training_step(self, x, y) -> float:
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        if self.config.grad_clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self.optimizer.step()
        return loss.item()


def build():
    return [Net()]


def train(model: Net, inputs, labels):
    losses = []
    for config in (Config(), Config(None)):
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
        trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(label_smoothing=0.1), config)
        losses += [trainer.training_step(x.flatten(1), y) for x, y in zip(inputs, labels)]
    return losses
