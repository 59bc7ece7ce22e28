"""A trainer whose arguments say nothing of their kinds."""

import torch
import torch.nn as nn
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


class Trainer:
    def __init__(self, model, optimizer, criterion, device):
        self.model = model
        self.optimizer = optimizer
        self.criterion = criterion
        self.device = device
        self.best = None

    def train_epoch(self, loader):
        self.model.train()
        total, correct = 0.0, 0
        for x, y in loader:
            x, y = x.to(self.device), y.to(self.device)
            self.optimizer.zero_grad()
            out = self.model(x)
            loss = self.criterion(out, y)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * x.size(0)
            correct += (out.argmax(1) == y).sum().item()
        return total, correct

    def fit(self, loader, epochs):
        history = []
        for epoch in range(epochs):
            total, correct = self.train_epoch(loader)
            history.append(total)
            history.append(correct)
        return history


def train(model, inputs, labels):
    trainer = Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss(), "cpu")
    return trainer.fit(list(zip(inputs, labels)), 2)


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
