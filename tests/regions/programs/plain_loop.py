"""The tutorial loop in a function, with accuracy counting between the forward pass and the update."""

import torch
import torch.nn as nn
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 25, 3)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(x)))
        return self.fc(x.view(-1, 4 * 25))


def build():
    return (Net(),)


def train(net, inputs, labels):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = []
    correct = 0
    for epoch in range(5):
        running_loss = 0.0
        for i in range(3):
            # get the inputs
            x, y = inputs[i], labels[i]

            # zero the parameter gradients
            optimizer.zero_grad()

            # forward + backward + optimize
            outputs = net(x)
            _, predicted = outputs.max(1)
            correct += (predicted == y).sum().item()
            loss = criterion(outputs, y)
            loss.backward()
            optimizer.step()

            running_loss += loss.item()
            losses.append(loss.item())
        losses.append(running_loss)
    return losses, correct
