"""One loop for training and evaluation: a branch trains on the forward pass that stands in front of it."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.norm = nn.BatchNorm1d(8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.norm(self.fc1(x.flatten(1)))))


def build():
    return Net(), Net()


def by_phase(model, loaders, criterion, optimizer, scheduler):
    history = []
    for epoch in range(2):
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            running_loss, corrects = 0.0, 0
            for inputs, labels in loaders[phase]:
                # the gradients of the last batch
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    # only in training
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                corrects += torch.sum(preds == labels)
            if phase == "train":
                scheduler.step()
            history += [running_loss, corrects.item()]
    return history


def run_epoch(model: Net, batches, optimizer=None):
    is_train = optimizer is not None
    model.train(is_train)
    total = 0.0
    for x, y in batches:
        x = x.flatten(1)
        out = model(x)
        loss = F.cross_entropy(out, y)
        if is_train:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        else:
            total += (out.argmax(1) == y).sum().item()
        total += loss.item()
    return total


def train(first, second, inputs, labels):
    batches = list(zip(inputs, labels))
    optimizer = torch.optim.SGD(first.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
    loaders = {"train": batches[:2], "val": batches[2:]}
    losses = by_phase(first, loaders, nn.CrossEntropyLoss(), optimizer, scheduler)
    plain = torch.optim.SGD(second.parameters(), lr=0.05)
    for epoch in range(2):
        losses.append(run_epoch(second, batches, plain))
        losses.append(run_epoch(second, batches))
    return losses
