import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    """Two convolutions and three linear layers, for 32x32 colour images such as CIFAR-10."""

    def __init__(self, num_classes=10, in_channels=3):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)  # no weights, so one object serves both layers
        self.conv2 = nn.Conv2d(6, 16, 5)
        # 32 -> 28 -> 14 -> 10 -> 5 pixels a side
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


class LeNet5(nn.Module):
    """Closer to the network of 1998: tanh, average pooling, one grey channel.

    Returns the scores and the probabilities of the classes.
    """

    def __init__(self, in_channels=1, num_classes=10, side=5):
        super(LeNet5, self).__init__()
        self.side = side
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, kernel_size=5, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.Tanh(),
            nn.AvgPool2d(2, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(self.count_features(), 120), nn.Tanh(),
            nn.Linear(120, 84), nn.Tanh(),
            nn.Linear(84, num_classes),
        )

    def count_features(self):
        return 16 * self.side ** 2

    def forward(self, x):
        x = self.features(x)
        x = x.view(-1, self.flat_size(x))
        scores = self.classifier(x)
        return scores, F.softmax(scores, dim=1)

    def flat_size(self, x):
        """Number of values of one image, whatever its rank."""
        n = 1
        for s in x.size()[1:]:
            n *= s
        return n
