"""A mean teacher, whose own loss is computed between the forward pass and the update, for the log alone."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def build():
    return Net(), Net()


def train(model: Net, teacher: Net, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss(reduction="sum", ignore_index=2)
    history = []
    for epoch in range(3):
        for x, y in zip(inputs, labels):
            with torch.no_grad():
                wanted = teacher(x)
            found = model(x)
            class_loss = criterion(found, y) / len(y)
            teacher_loss = criterion(wanted, y) / len(y)
            loss = class_loss + F.mse_loss(found.softmax(1), wanted.softmax(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for kept, new in zip(teacher.parameters(), model.parameters()):
                kept.data.mul_(0.9).add_(new.data, alpha=0.1)
            history.append([loss.item(), class_loss.item(), teacher_loss.item()])
    return history
