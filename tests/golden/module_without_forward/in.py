"""A module that is a bag of parameters with methods; somebody else calls them."""

import torch
import torch.nn as nn


class Codebook(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.table = nn.Embedding(size, dim)
        self.scale = nn.Parameter(torch.ones(dim))

    def lookup(self, ids):
        return self.table(ids) * self.scale

    def distances(self, z):
        """Squared distances (N, size) of vectors (N, dim) to all entries."""
        e = self.table.weight * self.scale
        return z.pow(2).sum(1, keepdim=True) - 2 * z @ e.t() + e.pow(2).sum(1)

    def nearest(self, z):
        return self.distances(z).argmin(dim=1)


class Quantizer(nn.Module):
    def __init__(self, size=11, dim=4):
        super().__init__()
        self.codebook = Codebook(size, dim)

    def forward(self, z):
        ids = self.codebook.nearest(z)
        q = self.codebook.lookup(ids)
        # straight-through: the gradient passes as if nothing had happened
        return z + (q - z).detach(), ids
