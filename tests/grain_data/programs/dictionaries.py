"""Samples that are dictionaries with names, numbers and arrays of several lengths."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 1)

    def forward(self, x):
        return self.fc(x).squeeze(-1)


class Records(Dataset):
    def __init__(self, table):
        self.table = table

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        row = torch.from_numpy(self.table[index])
        return {"row": row / 4, "name": f"record {index}", "weight": index / 2, "first": index == 0}


class Words(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return torch.arange(1, 2 + index), index


def padded(samples):
    words = pad_sequence([word for word, _ in samples], batch_first=True, padding_value=-1)
    lengths = torch.LongTensor([len(word) for word, _ in samples])
    return words, lengths


def run(model: Net):
    records = Records(np.arange(21, dtype=np.float64).reshape(7, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses, names, found = [], [], []
    for batch in DataLoader(records, batch_size=3):
        optimizer.zero_grad()
        loss = (batch["weight"] * model(batch["row"]) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        names += batch["name"]
        found.append(batch["first"].any().item())
    keys = [list(batch) for batch in DataLoader(records, batch_size=4)]
    words = [(words.tolist(), lengths.tolist()) for words, lengths in DataLoader(Words(), 2, collate_fn=padded)]
    single = [index for _, index in DataLoader(Words(), batch_size=None)]
    return losses, names, found, keys, words, single
