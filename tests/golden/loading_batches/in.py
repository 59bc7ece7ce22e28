import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Squares(Dataset):
    """Points and whether they lie in the unit circle."""

    def __init__(self, count, transform=None):
        generator = torch.Generator().manual_seed(1)
        self.points = torch.rand(count, 2, generator=generator) * 2 - 1
        self.labels = (self.points.norm(dim=1) < 1).long()
        self.transform = transform

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        point = self.points[index]
        if self.transform is not None:
            point = self.transform(point)
        return point, self.labels[index]


def doubled(point):
    return point.mul(2.0)


def collate(samples):
    points, labels = zip(*samples)
    return {"points": torch.stack(points), "labels": torch.stack(labels)}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 8)
        self.fc2 = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


def evaluate(model, loader, device):
    model.eval()
    loss = 0.0
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            loss += F.cross_entropy(output, target, reduction="sum").item()
            correct += (output.argmax(1) == target).sum().item()
    return loss / len(loader.dataset), correct


def evaluate_dictionaries(model, loader):
    losses = []
    for batch in loader:
        output = model(batch["points"])
        losses.append(F.cross_entropy(output, batch["labels"]).item())
    return losses


def sizes(loader):
    found = []
    for index, (x, y) in enumerate(loader):
        x[:, 0] = 0
        found.append((index, x.size(0), x.sum().item(), y.float().mean().item()))
    return found


def run(model: Net):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loader = DataLoader(Squares(20, transform=doubled), batch_size=8, pin_memory=True)
    results = [evaluate(model, loader, device)]

    shuffled = DataLoader(
        Squares(10),
        batch_size=4,
        shuffle=True,
        collate_fn=collate,
        generator=torch.Generator().manual_seed(0),
    )
    results.append(evaluate_dictionaries(model, shuffled))

    x = torch.linspace(-1, 1, 24).reshape(12, 2)
    y = (x.sum(1) > 0).long()
    first, second = random_split(TensorDataset(x, y), [8, 4], generator=torch.Generator().manual_seed(3))
    results.append(sizes(DataLoader(first, 3)))
    results.append(evaluate(model, DataLoader(second, 2, drop_last=True), device))

    points, labels = next(iter(loader))
    results.append((points.mean().item(), labels.sum().item(), len(loader)))
    return results
