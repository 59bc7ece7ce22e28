"""Training on batches of loaders, with what training scripts do around it."""

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Blobs(Dataset):
    """Images of one channel with a bright quarter, which is the label."""

    def __init__(self, count, named=False):
        generator = torch.Generator().manual_seed(11)
        self.images = torch.rand(count, 1, 8, 8, generator=generator)
        self.labels = torch.arange(count) % 4
        for image, label in zip(self.images, self.labels):
            row, column = divmod(label.item(), 2)
            image[:, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 1.0
        self.named = named

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = (self.images[index] - 0.5) / 0.5
        if self.named:
            return {"image": image, "label": self.labels[index], "name": f"{index}.png"}
        return image, self.labels[index]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(36, 4)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        return self.fc(torch.flatten(x, 1))


def train(model, device, loader, criterion, optimizer):
    model.train()
    running, seen, correct = 0.0, 0, 0
    for i, data in enumerate(loader, 0):
        inputs, labels = data
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running += loss.item() * inputs.size(0)
        _, predicted = outputs.max(1)
        seen += labels.size(0)
        correct += predicted.eq(labels).sum().item()
    return running / seen, correct / seen


def evaluate(model, loader, criterion):
    model.eval()
    losses = []
    with torch.no_grad():
        for images, labels in loader:
            losses.append(criterion(model(images), labels).item())
    return sum(losses) / len(losses)


def train_by_name(model: Net, loader, steps):
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    iterator = iter(loader)
    history = []
    for step in range(steps):
        try:
            batch = next(iterator)
        except StopIteration:
            iterator = iter(loader)
            batch = next(iterator)
        loss = criterion(model(batch["image"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((loss.item(), batch["name"][0]))
    return history


def run(model: Net):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    train_set, test_set = random_split(Blobs(40), [32, 8], generator=torch.Generator().manual_seed(0))
    generator = torch.Generator()
    generator.manual_seed(3)
    train_loader = DataLoader(train_set, batch_size=10, shuffle=True, generator=generator)
    test_loader = DataLoader(test_set, batch_size=4)
    results = []
    for epoch in range(3):
        results.append(train(model, device, train_loader, criterion, optimizer))
        results.append(evaluate(model, test_loader, criterion))
    results.append(train_by_name(model, DataLoader(Blobs(6, named=True), 4), 4))

    features = torch.cat([model(images).detach() for images, _ in test_loader])
    for (part,) in DataLoader(TensorDataset(features), batch_size=3):
        results.append(part.mean().item())
    return results
