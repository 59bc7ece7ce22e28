from __future__ import print_function

import torch
import torch.nn as nn
import torch.nn.parallel


def weights_init(m):
    """Small normal weights for convolutions, scales around one for batch norm. Used with `net.apply`."""
    classname = m.__class__.__name__
    if classname.find('Conv') != -1:
        m.weight.data.normal_(0.0, 0.02)
    elif classname.find('BatchNorm') != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.fill_(0)


class Generator(nn.Module):
    """Noise (N, nz, 1, 1) -> images (N, nc, 64, 64) with values in [-1, 1]."""

    def __init__(self, nz=100, ngf=16, nc=3):
        super(Generator, self).__init__()

        def up(c_in, c_out, stride=2, padding=1):
            return [nn.ConvTranspose2d(c_in, c_out, 4, stride, padding, bias=False),
                    nn.BatchNorm2d(c_out),
                    nn.ReLU(True)]

        self.main = nn.Sequential(
            *up(nz, ngf * 8, stride=1, padding=0),  # 1 -> 4
            *up(ngf * 8, ngf * 4),                  # 4 -> 8
            *up(ngf * 4, ngf * 2),                  # 8 -> 16
            *up(ngf * 2, ngf),                      # 16 -> 32
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh()
            # now 64 x 64
        )
        self.apply(weights_init)

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    """Images (N, nc, 64, 64) -> probability that each is real, (N,)."""

    def __init__(self, nc=3, ndf=16, slope=0.2):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(slope, inplace=True),
        )
        # three more halvings, the channels double each time
        for i in range(3):
            n = ndf * 2 ** i
            self.main.add_module('conv%d' % i, nn.Conv2d(n, n * 2, 4, 2, 1, bias=False))
            self.main.add_module('norm%d' % i, nn.BatchNorm2d(n * 2))
            self.main.add_module('lrelu%d' % i, nn.LeakyReLU(slope, inplace=True))
        self.main.add_module('score', nn.Conv2d(ndf * 8, 1, 4, 1, 0, bias=False))
        self.main.add_module('prob', nn.Sigmoid())
        self.apply(weights_init)

    def forward(self, input):
        output = self.main(input)
        return output.view(-1, 1).squeeze(1)


class GANLoss(nn.Module):
    """Binary cross entropy against one label for the whole batch."""

    def __init__(self, real_label=1., fake_label=0.):
        super(GANLoss, self).__init__()
        self.register_buffer('real_label', torch.tensor(real_label))
        self.register_buffer('fake_label', torch.tensor(fake_label))
        self.loss = nn.BCELoss()

    def target(self, prediction, is_real):
        label = self.real_label if is_real else self.fake_label
        return label.expand_as(prediction)

    def __call__(self, prediction, is_real):
        return self.loss(prediction, self.target(prediction, is_real))


class GAN(nn.Module):
    """Both nets with their losses, as one training step sees them."""

    def __init__(self, nz=100, ngf=16, ndf=16, nc=3):
        super(GAN, self).__init__()
        self.netG = Generator(nz, ngf, nc)
        self.netD = Discriminator(nc, ndf)
        self.criterion = GANLoss()

    def forward(self, real, noise):
        fake = self.netG(noise)
        errD_real = self.criterion(self.netD(real), True)
        # the generator gets no gradient from the discriminator's step
        errD_fake = self.criterion(self.netD(fake.detach()), False)
        errG = self.criterion(self.netD(fake), True)
        return errD_real + errD_fake, errG
