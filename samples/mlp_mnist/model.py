"""Multi-layer perceptrons for MNIST digits, flattened to 784 values."""

from typing import Sequence

import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    """The three-layer network of most tutorials."""

    def __init__(self, in_features=28 * 28, hidden=128, num_classes=10, p=0.2):
        super().__init__()
        self.p = p
        self.fc1 = nn.Linear(in_features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, num_classes)

    def forward(self, x):
        # flatten image input: (N, 1, 28, 28) -> (N, 784)
        x = x.view(x.shape[0], -1)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, p=self.p, training=self.training)
        x = F.relu(self.fc2(x))
        x = F.dropout(x, p=self.p, training=self.training)
        x = self.fc3(x)
        return F.log_softmax(x, dim=1)


class MLP(nn.Module):
    """Fully connected network with any number of hidden layers.

    Args:
        input_size: number of pixels of an image
        hidden_sizes: width of each hidden layer
        num_classes: number of logits
        dropout: probability of dropping a hidden unit
        batch_norm: put a BatchNorm1d before each activation
    """

    def __init__(
        self,
        input_size: int = 784,
        hidden_sizes: Sequence[int] = (128, 64),
        num_classes: int = 10,
        dropout: float = 0.5,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        layers = []
        width = input_size
        for size in hidden_sizes:
            layers.append(nn.Linear(width, size))
            if batch_norm:
                layers.append(nn.BatchNorm1d(size))
            layers += [nn.ReLU(inplace=True), nn.Dropout(dropout)]
            width = size

        self.flatten = nn.Flatten()
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, num_classes)
        self.init_weights()

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                nn.init.constant_(m.bias, 0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.flatten(x)
        x = self.features(x)
        return self.classifier(x)

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """The most likely digit of each image."""
        logits = self(x)
        _, predicted = torch.max(logits, 1)
        return predicted


def accuracy(logits, labels):
    """Share of right predictions, a number in [0, 1]."""
    pred = logits.argmax(dim=1, keepdim=True)
    correct = pred.eq(labels.view_as(pred)).sum().item()
    return correct / len(labels)
