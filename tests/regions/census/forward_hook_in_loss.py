"""A loss of what a hook keeps."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.pool(self.relu(self.conv(x))).flatten(1))


def build():
    return (Net(),)


def train(model, inputs, labels):
    features = {}

    def hook(module, inputs, output):
        features["conv"] = output

    model.conv.register_forward_hook(hook)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        outputs = model(x)
        loss = F.cross_entropy(outputs, y) + features["conv"].abs().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
