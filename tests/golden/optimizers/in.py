"""Optimizers and schedulers as programs build them, and programs that set rates themselves."""

import itertools

import torch
import torch.optim as optim
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.backbone(x))


class Trainer:
    def __init__(self, model: Net, args):
        self.model = model
        self.optimizer = optim.AdamW(self.model.parameters(), lr=args.lr, betas=(0.9, 0.95), weight_decay=args.decay)
        self.scheduler = CosineAnnealingLR(self.optimizer, T_max=args.epochs)

    def end_of_epoch(self, loss):
        self.scheduler.step()
        return self.scheduler.get_last_lr()[0]


def adjust_learning_rate(optimizer, epoch, base):
    """Step decay by hand."""
    lr = base * (0.1 ** (epoch // 30))
    for param_group in optimizer.param_groups:
        param_group["lr"] = lr


def fine_tune(model: Net, args):
    for param in model.backbone.parameters():
        param.requires_grad = False
    trainable = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = optim.SGD(trainable, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for epoch in range(args.epochs):
        adjust_learning_rate(optimizer, epoch, 0.1)
        print("rate", optimizer.param_groups[0]["lr"])
    return optimizer


def in_groups(model: Net):
    groups = [
        {"params": model.backbone.parameters(), "lr": 1e-4},
        {"params": model.head.parameters()},
    ]
    optimizer = optim.Adam(groups, lr=1e-3, weight_decay=1e-5)
    warmup = LambdaLR(optimizer, lr_lambda=lambda step: min(1.0, (step + 1) / 100))
    return optimizer, warmup


def gan(args):
    encoder, decoder, critic = Net(), Net(), Net()
    optimizer_g = optim.Adam(
        itertools.chain(encoder.parameters(), decoder.parameters()), lr=2e-4, betas=(0.5, 0.999)
    )
    optimizer_d = optim.RMSprop(critic.parameters(), lr=5e-5)
    scheduler = ReduceLROnPlateau(optimizer_d, mode="min", factor=0.5, patience=5)
    scheduler.step(args.loss)
    return optimizer_g, optimizer_d


def stylize(content: torch.Tensor):
    image = nn.Parameter(content.clone())
    return optim.Adam([image], lr=0.02, amsgrad=True)
