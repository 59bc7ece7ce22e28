"""The detector: filter bank, convolutions, encoder, one score for each class and frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn as nn

from .blocks import ConvBlock, EncoderBlock
from .layers import MelScale


@dataclass
class Config:
    n_bins: int = 65
    n_mels: int = 16
    channels: tuple[int, ...] = (8, 12)
    dim: int = 24
    heads: int = 4
    depth: int = 2
    num_classes: int = 5
    activation: str = "relu"
    dropout: float = 0.1


class EventDetector(nn.Module):
    """Power spectra (N, n_bins, T) -> frame scores (N, T, num_classes) and clip scores (N, num_classes)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.mel = MelScale(config.n_bins, config.n_mels)
        self.mel_norm = nn.BatchNorm1d(config.n_mels)

        c_in = 1
        self.convs = nn.Sequential()
        for i, c_out in enumerate(config.channels):
            self.convs.add_module(f"block{i}", ConvBlock(c_in, c_out, 2, config.activation, config.dropout))
            c_in = c_out
        mels = config.n_mels // 2 ** len(config.channels)
        self.project = nn.Linear(c_in * mels, config.dim)

        self.encoder = nn.ModuleList(
            EncoderBlock(config.dim, config.heads, config.dropout) for _ in range(config.depth)
        )
        self.heads = nn.ModuleDict({
            "score": nn.Linear(config.dim, config.num_classes),
            "weight": nn.Linear(config.dim, config.num_classes),
        })

    def forward(self, power: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.mel_norm(self.mel(power))
        x = self.convs(x.unsqueeze(1))  # N, C, M, T
        n, _, _, t = x.shape
        x = x.permute(0, 3, 1, 2).reshape(n, t, -1)
        x = self.project(x)
        for block in self.encoder:
            x = block(x, mask)

        frame = torch.sigmoid(self.heads["score"](x))
        weight = self.heads["weight"](x)
        if mask is not None:
            weight = weight.masked_fill(mask.unsqueeze(-1), -1e4)
        clip = (frame * weight.softmax(dim=1)).sum(dim=1)  # attention pooling
        return frame, clip


def build_model(**overrides) -> EventDetector:
    """A detector from fields of the config."""
    return EventDetector(Config(**overrides))
