"""Layers that the blocks are made of."""

from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F

ACTIVATIONS = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky": partial(nn.LeakyReLU, 0.1),
}


class MelScale(nn.Module):
    """Power spectrum (N, bins, T) -> log energies of triangular bands (N, n_mels, T)."""

    def __init__(self, n_bins: int, n_mels: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        # derived from the sizes: not worth a place in the checkpoint
        self.register_buffer("bank", triangular_bank(n_bins, n_mels), persistent=False)

    def forward(self, power: torch.Tensor) -> torch.Tensor:
        mel = torch.einsum("mb,nbt->nmt", self.bank, power)
        return torch.log(mel.clamp(min=self.eps))


class ScaledTanh(nn.Module):
    """a * tanh(b * x) with learned a and b for each channel of axis 1."""

    def __init__(self, channels: int):
        super().__init__()
        self.a = nn.Parameter(torch.ones(channels))
        self.b = nn.Parameter(torch.full((channels,), 0.5))

    def forward(self, x):
        shape = (1, -1) + (1,) * (x.dim() - 2)
        return self.a.view(shape) * torch.tanh(self.b.view(shape) * x)


def triangular_bank(n_bins: int, n_mels: int) -> torch.Tensor:
    """Overlapping triangles with their peaks at equal distances, (n_mels, n_bins)."""
    centres = torch.linspace(0, n_bins - 1, n_mels + 2)
    bins = torch.arange(n_bins)
    left, peak, right = (c[:, None] for c in (centres[:-2], centres[1:-1], centres[2:]))
    rising = (bins - left) / (peak - left)
    falling = (right - bins) / (right - peak)
    return F.relu(torch.minimum(rising, falling))


def build_activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise KeyError(f"no activation {name!r}, there are {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[name]()
