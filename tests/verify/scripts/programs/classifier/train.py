import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Net(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.3)
        self.fc = nn.Linear(features, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.fc(self.dropout(torch.flatten(x, 1)))


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight)
        nn.init.zeros_(m.bias)


images = np.random.RandomState(0).rand(40, 1, 8, 6).astype(np.float32)
labels = (images.mean((1, 2, 3)) * 100).astype(np.int64) % 5
dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
loader = DataLoader(dataset, batch_size=16, shuffle=True, num_workers=2)
model = Net(48, 5).to(device)
model.apply(init_weights)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
history = []
start = time.time()
for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    history.append(total / len(dataset))
    model.eval()
    with torch.no_grad():
        correct = sum((model(x.to(device)).argmax(1) == y.to(device)).sum().item() for x, y in loader)
    print(f"epoch {epoch}: loss {history[-1]:.4f}, accuracy {100 * correct / len(dataset):.1f} %")
elapsed = time.time() - start
print(f"took {elapsed:.6f} s")
torch.save(model.state_dict(), "model.pt")
