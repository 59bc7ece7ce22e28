"""Automatic mixed precision, switched off where there is no GPU: clipping behind unscale_, accuracy in the step."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.cuda.amp import GradScaler, autocast


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(50, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))


def build():
    return (Net(),)


def run_epoch(model, optimizer, scaler, inputs, labels):
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        with autocast(enabled=False):
            logits = model(x)
            loss = F.cross_entropy(logits, y, label_smoothing=0.1)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.3)
        scaler.step(optimizer)
        scaler.update()
        losses.append((logits.argmax(1) == y).float().mean().item())
        losses.append(loss.item())
    return losses


def train(model, inputs, labels):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scaler = GradScaler(enabled=False)
    return [run_epoch(model, optimizer, scaler, inputs, labels) for _ in range(3)]
