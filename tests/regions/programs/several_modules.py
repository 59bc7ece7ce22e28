"""Optimizers of two modules, of groups with rates of their own, of a part of a module, and two optimizers at once."""

import itertools

import torch
import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(50, 8)

    def forward(self, x):
        return torch.tanh(self.fc(x.flatten(1)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(50, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.base(x.flatten(1))))


def build():
    return Encoder(), nn.Linear(8, 3), Net()


def together(encoder, decoder, inputs, labels):
    optimizer = torch.optim.Adam(list(encoder.parameters()) + list(decoder.parameters()), lr=0.01)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(decoder(encoder(x)), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def apart(encoder, decoder, inputs, labels):
    encoder_optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
    decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=0.01)
    losses = []
    for x, y in zip(inputs, labels):
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()
        loss = F.cross_entropy(decoder(encoder(x)), y)
        loss.backward()
        encoder_optimizer.step()
        decoder_optimizer.step()
        losses.append(loss.item())
    return losses


def groups(net, inputs, labels):
    optimizer = torch.optim.SGD(
        [{"params": net.base.parameters()}, {"params": net.head.parameters(), "lr": 0.5}], lr=0.05, momentum=0.9
    )
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def part(net, inputs, labels):
    optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def step(first, second, optimizer, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(second(first(x)), y)
    loss.backward()
    nn.utils.clip_grad_norm_(list(first.parameters()) + list(second.parameters()), 0.3)
    optimizer.step()
    return loss.item()


def passed_on(encoder: Encoder, decoder: nn.Linear, inputs, labels):
    optimizer = torch.optim.Adam(
        [{"params": encoder.parameters()}, {"params": decoder.parameters(), "lr": 0.02}], lr=0.01
    )
    return [step(encoder, decoder, optimizer, x, y) for x, y in zip(inputs, labels)]


def train(encoder, decoder, net, inputs, labels):
    return [
        together(encoder, decoder, inputs, labels),
        apart(encoder, decoder, inputs, labels),
        groups(net, inputs, labels),
        part(net, inputs, labels),
        passed_on(encoder, decoder, inputs, labels),
    ]
