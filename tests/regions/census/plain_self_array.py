"""A trained array as an attribute of a plain class."""

import torch
import torch.nn as nn
import torch.nn.functional as F
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


class Artist:
    def __init__(self, image):
        self.image = image.clone().requires_grad_(True)
        self.optimizer = optim.Adam([self.image], lr=0.05)

    def step(self, model, y):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(model(self.image), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def train(model, inputs, labels):
    artist = Artist(inputs[0])
    return [artist.step(model, labels[0]) for _ in range(4)], artist.image.sum().item()


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
