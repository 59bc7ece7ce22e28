"""Steps that are spread over functions: methods with a backward pass each, and a helper that a loop calls."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 50)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 1)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


def build():
    return Generator(), Discriminator(), nn.Linear(50, 3)


class Translation:
    def __init__(self, netG: Generator, netD: Discriminator):
        self.netG = netG
        self.netD = netD
        self.criterion = nn.L1Loss()
        self.weight = 10.0
        self.optimizer_G = torch.optim.Adam(self.netG.parameters(), lr=0.002, betas=(0.5, 0.999))
        self.optimizer_D = torch.optim.Adam(self.netD.parameters(), lr=0.002, betas=(0.5, 0.999))

    def set_input(self, real_A, real_B):
        self.real_A = real_A
        self.real_B = real_B

    def forward(self):
        """Run the generator."""
        self.fake_B = self.netG(self.real_A)

    def backward_D_basic(self, netD, real, fake):
        pred_real = netD(real)
        loss_real = F.softplus(-pred_real).mean()
        pred_fake = netD(fake.detach())
        loss_fake = F.softplus(pred_fake).mean()
        loss = (loss_real + loss_fake) * 0.5
        loss.backward()
        return loss

    def backward_D(self):
        """Compute the gradients of the discriminator."""
        self.loss_D = self.backward_D_basic(self.netD, self.real_B, self.fake_B)

    def backward_G(self):
        # the generator has to deceive the discriminator
        self.loss_G_GAN = F.softplus(-self.netD(self.fake_B)).mean()
        self.loss_G_L1 = self.criterion(self.fake_B, self.real_B) * self.weight
        self.loss_G = self.loss_G_GAN + self.loss_G_L1
        self.loss_G.backward()

    def optimize_parameters(self):
        self.forward()
        # update D
        self.optimizer_D.zero_grad()
        self.backward_D()
        self.optimizer_D.step()
        # update G
        self.optimizer_G.zero_grad()
        self.backward_G()
        self.optimizer_G.step()


def compute_gradients(model, x, y, scale):
    out = model(x.flatten(1))
    loss = F.cross_entropy(out, y) * scale
    loss.backward()
    return loss


def classify(net, inputs, labels):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for epoch in range(2):
        for x, y in zip(inputs, labels):
            optimizer.zero_grad()
            loss = compute_gradients(net, x, y, scale=0.5)
            optimizer.step()
            losses.append(loss.item())
    return losses


def train(netG, netD, net, inputs, labels):
    model = Translation(netG, netD)
    losses = []
    for epoch in range(2):
        for batch in inputs:
            model.set_input(batch.flatten(1), batch.flip(0).flatten(1))
            model.optimize_parameters()
            losses += [model.loss_D.item(), model.loss_G.item(), model.loss_G_L1.item()]
    return losses, classify(net, inputs, labels)
