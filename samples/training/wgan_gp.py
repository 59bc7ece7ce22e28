"""WGAN-GP on a ring of eight Gaussians in the plane."""

import math

import torch
import torch.autograd as autograd
import torch.nn as nn
import torch.optim as optim

DIM = 24  # width of the layers
LAMBDA = 0.1  # weight of the gradient penalty
CRITIC_ITERS = 5  # critic updates per generator update
BATCH_SIZE = 32
ITERS = 30

torch.manual_seed(1)


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, DIM),
            nn.ReLU(True),
            nn.Linear(DIM, DIM),
            nn.ReLU(True),
            nn.Linear(DIM, 2),
        )

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, DIM),
            nn.LeakyReLU(0.2),
            nn.Linear(DIM, DIM),
            nn.LeakyReLU(0.2),
            nn.Linear(DIM, 1),
        )

    def forward(self, inputs):
        return self.main(inputs).view(-1)


def sample_ring(count):
    angle = torch.randint(0, 8, (count,)).float() * (2 * math.pi / 8)
    centers = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    return 2.0 * centers + 0.05 * torch.randn(count, 2)


def calc_gradient_penalty(netD, real_data, fake_data):
    alpha = torch.rand(BATCH_SIZE, 1)
    alpha = alpha.expand(real_data.size())
    interpolates = alpha * real_data + (1 - alpha) * fake_data
    interpolates.requires_grad_(True)

    disc_interpolates = netD(interpolates)
    gradients = autograd.grad(
        outputs=disc_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones(disc_interpolates.size()),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


netG = Generator()
netD = Discriminator()
optimizerD = optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.9))
optimizerG = optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.9))

for iteration in range(ITERS):
    # (1) Update the critic
    for p in netD.parameters():
        p.requires_grad = True

    for _ in range(CRITIC_ITERS):
        real = sample_ring(BATCH_SIZE)
        optimizerD.zero_grad()

        noise = torch.randn(BATCH_SIZE, 2)
        fake = netG(noise).detach()
        D_real = netD(real).mean()
        D_fake = netD(fake).mean()
        gradient_penalty = calc_gradient_penalty(netD, real, fake)
        D_cost = D_fake - D_real + gradient_penalty
        D_cost.backward()
        optimizerD.step()
        wasserstein = (D_real - D_fake).item()

    # (2) Update the generator
    for p in netD.parameters():
        p.requires_grad = False

    optimizerG.zero_grad()
    noise = torch.randn(BATCH_SIZE, 2)
    G_cost = -netD(netG(noise)).mean()
    G_cost.backward()
    optimizerG.step()

    if iteration % 10 == 9:
        print(f"iter {iteration + 1}: critic {D_cost.item():.4f} generator {G_cost.item():.4f} distance {wasserstein:.4f}")
