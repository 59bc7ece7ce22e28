"""Two networks with an optimizer each: the discriminator sees both batches with a backward pass each."""

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
        self.net = nn.Sequential(nn.Linear(50, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, x):
        return self.net(x).view(-1)


def build():
    return Generator(), Discriminator()


def train(netG, netD, inputs, labels):
    criterion = nn.BCELoss()
    optimizerD = torch.optim.Adam(netD.parameters(), lr=0.002, betas=(0.5, 0.999))
    optimizerG = torch.optim.Adam(netG.parameters(), lr=0.002, betas=(0.5, 0.999))
    losses = []
    for epoch in range(3):
        for batch in inputs:
            real = batch.flatten(1)
            noise = real.flip(0) * 0.5
            # (1) update D
            netD.zero_grad()
            label = torch.full((real.size(0),), 1.0, dtype=real.dtype)
            errD_real = criterion(netD(real), label)
            errD_real.backward()
            fake = netG(noise)
            label.fill_(0.0)
            output = netD(fake.detach())
            errD_fake = criterion(output, label)
            errD_fake.backward()
            D_G_z1 = output.mean().item()
            errD = errD_real + errD_fake
            optimizerD.step()
            # (2) update G
            netG.zero_grad()
            generated = netG(noise * 0.3)
            errG = criterion(netD(generated), torch.ones_like(label))
            errG.backward()
            optimizerG.step()
            losses += [errD.item(), errG.item(), D_G_z1]
    return losses
