"""A critic whose gradients at points between real and generated data are held near norm one."""

import torch
import torch.nn as nn
from torch import autograd


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(50, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x):
        return self.net(x)


def build():
    return Critic(), nn.Linear(50, 50)


def gradient_penalty(critic, real, fake):
    x = (0.3 * real + 0.7 * fake).detach().requires_grad_(True)
    scores = critic(x)
    gradients = autograd.grad(
        outputs=scores,
        inputs=x,
        grad_outputs=torch.ones(scores.size(), dtype=scores.dtype),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def train(critic, generator, inputs, labels):
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.001, betas=(0.0, 0.9))
    losses = []
    for epoch in range(4):
        for batch in inputs:
            real = batch.flatten(1)
            optimizer.zero_grad()
            fake = generator(real.flip(0)).detach()
            penalty = gradient_penalty(critic, real, fake)
            loss = critic(fake).mean() - critic(real).mean() + 10.0 * penalty
            loss.backward()
            optimizer.step()
            losses += [loss.item(), penalty.item()]
    return losses
