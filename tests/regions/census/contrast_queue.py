"""Momentum contrast: keys of an encoder that follows another, in a queue with a pointer that is an array."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Contrast(nn.Module):
    def __init__(self, dim=4, size=12, momentum=0.9):
        super().__init__()
        self.size, self.momentum = size, momentum
        self.encoder_q = nn.Linear(50, dim)
        self.encoder_k = nn.Linear(50, dim)
        for param_q, param_k in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            param_k.data.copy_(param_q.data)
            param_k.requires_grad = False
        self.register_buffer("queue", torch.randn(dim, size))
        self.queue = F.normalize(self.queue, dim=0)
        self.register_buffer("pointer", torch.zeros(1, dtype=torch.long))

    @torch.no_grad()
    def follow(self):
        for param_q, param_k in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            param_k.data = param_k.data * self.momentum + param_q.data * (1.0 - self.momentum)

    @torch.no_grad()
    def enqueue(self, keys):
        start = int(self.pointer)
        self.queue[:, start : start + keys.shape[0]] = keys.T
        self.pointer[0] = (start + keys.shape[0]) % self.size

    def forward(self, queries, keys):
        q = F.normalize(self.encoder_q(queries), dim=1)
        with torch.no_grad():
            self.follow()
            k = F.normalize(self.encoder_k(keys), dim=1)
        positive = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        negative = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        logits = torch.cat([positive, negative], dim=1) / 0.2
        labels = torch.zeros(logits.shape[0], dtype=torch.long, device=logits.device)
        self.enqueue(k)
        return logits, labels


def build():
    return (Contrast(),)


def train(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=1e-4)
    losses = []
    for epoch in range(2):
        for x in inputs:
            output, target = model(x.flatten(1), x.flatten(1).flip(1))
            loss = F.cross_entropy(output, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def main():
    train(Contrast(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
