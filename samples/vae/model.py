"""Variational autoencoders: fully connected, and convolutional."""

import torch
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    """One hidden layer on each side of a Gaussian code, Bernoulli pixels."""

    def __init__(self, image_size=784, h_dim=256, z_dim=20):
        super(VAE, self).__init__()
        self.image_size = image_size
        self.enc = nn.Linear(image_size, h_dim)
        self.to_mean = nn.Linear(h_dim, z_dim)
        self.to_logvar = nn.Linear(h_dim, z_dim)
        self.dec = nn.Linear(z_dim, h_dim)
        self.to_pixels = nn.Linear(h_dim, image_size)

    def encode(self, x):
        h = F.relu(self.enc(x))
        return self.to_mean(h), self.to_logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h = F.relu(self.dec(z))
        return torch.sigmoid(self.to_pixels(h))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, self.image_size))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

    def validation_loss(self, x):
        """Loss per image with the mean of the code: no noise, so that epochs can be compared."""
        x = x.view(-1, self.image_size).clamp(0, 1)  # interpolation may leave [0, 1]
        mu, logvar = self.encode(x)
        return elbo_loss(self.decode(mu), x, mu, logvar).div(x.size(0))


class ConvVAE(nn.Module):
    """Convolutional VAE; in eval mode the mean of the code is decoded, nothing is drawn."""

    def __init__(self, in_channels=3, latent_dim=16, channels=None, image_size=32):
        super().__init__()
        if channels is None:
            channels = [16, 32, 64]
        self.latent_dim = latent_dim
        self.feature_shape = (channels[-1], image_size // 2 ** len(channels), image_size // 2 ** len(channels))
        n_features = self.feature_shape[0] * self.feature_shape[1] * self.feature_shape[2]

        down = []
        for c_in, c_out in zip([in_channels] + channels, channels):
            down += self.down_block(c_in, c_out)
        self.encoder = nn.Sequential(*down, nn.Flatten())
        self.head = nn.Linear(n_features, 2 * latent_dim)

        self.expand = nn.Linear(latent_dim, n_features)
        widths = channels[::-1] + [channels[0]]
        up = []
        for c_in, c_out in zip(widths, widths[1:]):
            up.append(
                nn.Sequential(
                    nn.ConvTranspose2d(c_in, c_out, kernel_size=3, stride=2, padding=1, output_padding=1),
                    nn.BatchNorm2d(c_out),
                    nn.LeakyReLU(0.1),
                )
            )
        self.decoder = nn.Sequential(*up)
        self.to_image = nn.Conv2d(channels[0], in_channels, 3, padding="same")

    @staticmethod
    def down_block(c_in, c_out):
        return [nn.Conv2d(c_in, c_out, 3, stride=2, padding=1), nn.BatchNorm2d(c_out), nn.LeakyReLU(0.1)]

    def encode(self, x):
        mu, logvar = self.head(self.encoder(x)).chunk(2, dim=-1)
        return mu, logvar.clamp(-10.0, 10.0)

    def decode(self, z):
        h = self.expand(z).view(z.size(0), *self.feature_shape)
        return torch.tanh(self.to_image(self.decoder(h)))

    def reparameterize(self, mu, logvar):
        if not self.training:
            return mu
        std = logvar.mul(0.5).exp_()
        eps = torch.randn(std.size(), device=std.device)
        return eps.mul(std).add_(mu)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return {"recon": self.decode(z), "mu": mu, "logvar": logvar, "z": z}

    def sample(self, n, device="cpu"):
        """Draw n images from the prior."""
        return self.decode(torch.randn(n, self.latent_dim).to(device))


def elbo_loss(recon, x, mu, logvar, beta=1.0):
    """Negative evidence lower bound, summed over pixels, codes and the batch."""
    reconstruction = F.binary_cross_entropy(recon, x, reduction="sum")
    # KL(N(mu, sigma) || N(0, 1)) in closed form
    kl = 0.5 * torch.sum(mu.pow(2) + logvar.exp() - logvar - 1)
    return reconstruction + beta * kl
