"""A contrastive loss: the pairs are picked by masks that depend on sizes alone, which NumPy computes while JAX traces."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(50, 12)
        self.head = nn.Linear(12, 4)

    def forward(self, x):
        return self.head(torch.tanh(self.fc(x.flatten(1))))


def build():
    return (Encoder(),)


def nt_xent(z1, z2, temperature):
    n = z1.size(0)
    z = F.normalize(torch.cat([z1, z2], dim=0), dim=1)
    similarity = z @ z.t() / temperature
    labels = torch.cat([torch.arange(n) for _ in range(2)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    # without the similarity of each view with itself
    mask = torch.eye(2 * n, dtype=torch.bool).to(z.device)
    labels = labels[~mask].view(2 * n, -1)
    similarity = similarity[~mask].view(2 * n, -1)
    positives = similarity[labels.bool()].view(2 * n, -1)
    negatives = similarity[~labels.bool()].view(2 * n, -1)
    logits = torch.cat([positives, negatives], dim=1)
    return F.cross_entropy(logits, torch.zeros(2 * n, dtype=torch.long))


def train(encoder, inputs, labels):
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    losses = []
    for epoch in range(4):
        for x in inputs:
            loss = nt_xent(encoder(x), encoder(x.flip(-1)), 0.5)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses
