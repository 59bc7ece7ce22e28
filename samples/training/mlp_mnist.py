"""A multi-layer perceptron on images of the size of MNIST's, made up of noise and a stroke for each class."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, Dataset

MEAN, STD = 0.1307, 0.3081


class Digits(Dataset):
    def __init__(self, size, seed, transform=None):
        generator = torch.Generator().manual_seed(seed)
        self.targets = torch.randint(0, 10, (size,), generator=generator)
        self.images = 0.5 * torch.rand(size, 28, 28, generator=generator)
        for i, target in enumerate(self.targets.tolist()):
            self.images[i, 2 * target : 2 * target + 4] += 0.5
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image, target = self.images[index].unsqueeze(0), int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, target


def normalize(image):
    return (image - MEAN) / STD


class MLP(nn.Module):
    def __init__(self, hidden=32, p=0.2):
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 10)
        self.dropout = nn.Dropout(p)

    def forward(self, x):
        x = x.view(-1, 28 * 28)
        x = self.dropout(F.relu(self.fc1(x)))
        x = self.dropout(F.relu(self.fc2(x)))
        return F.log_softmax(self.fc3(x), dim=1)


def train(model, device, train_loader, optimizer, epoch, log_interval=10):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % log_interval == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    epoch,
                    batch_idx * len(data),
                    len(train_loader.dataset),
                    100.0 * batch_idx / len(train_loader),
                    loss.item(),
                )
            )


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()

    test_loss /= len(test_loader.dataset)
    accuracy = 100.0 * correct / len(test_loader.dataset)
    print(f"\nTest set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(test_loader.dataset)} ({accuracy:.0f}%)\n")
    return accuracy


def main():
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_loader = DataLoader(Digits(500, seed=0, transform=normalize), batch_size=16, shuffle=True)
    test_loader = DataLoader(Digits(100, seed=1, transform=normalize), batch_size=50, shuffle=False)

    model = MLP().to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    best = 0.0
    for epoch in range(1, 3):
        train(model, device, train_loader, optimizer, epoch)
        best = max(best, test(model, device, test_loader))
    print("best accuracy:", best)


if __name__ == "__main__":
    main()
