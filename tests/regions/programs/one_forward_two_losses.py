"""The generator's output is detached for the discriminator, and differentiated for its own loss, after one forward."""

import torch
import torch.nn as nn


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(50, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 50))

    def forward(self, z):
        return torch.tanh(self.net(z))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(50, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    def forward(self, x):
        return self.net(x).view(-1)


def build():
    return Generator(), Discriminator()


def train(generator, discriminator, inputs, labels):
    criterion = nn.BCEWithLogitsLoss()
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=0.002, betas=(0.5, 0.999))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=0.002, betas=(0.5, 0.999))
    losses = []
    for epoch in range(3):
        for batch in inputs:
            real = batch.flatten(1)
            ones = torch.ones(real.size(0), dtype=real.dtype)

            d_optimizer.zero_grad()
            output = discriminator(real)
            real_loss = criterion(output, ones)
            real_loss.backward()
            score = output.mean().item()
            size = real.size(0)
            noise = real.flip(0)[:size] * 0.5
            fake = generator(noise)
            zeros = torch.zeros(size, dtype=real.dtype)
            output = discriminator(fake.detach())
            fake_loss = criterion(output, zeros)
            fake_loss.backward()
            d_optimizer.step()

            g_optimizer.zero_grad()
            g_loss = criterion(discriminator(fake), ones)
            g_loss.backward()
            g_optimizer.step()
            losses += [score, output.mean().item(), real_loss.item() + fake_loss.item(), g_loss.item(), fake.mean().item()]
    return losses
