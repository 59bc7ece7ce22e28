"""The detector: filter bank, convolutions, encoder, one score for each class and frame."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from .blocks import ConvBlock, EncoderBlock
from .layers import MelScale
from .torch2jax_helpers import BatchNorm, fan_in_uniform


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


class EventDetector(nnx.Module):
    """Power spectra (N, n_bins, T) -> frame scores (N, T, num_classes) and clip scores (N, num_classes)."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.config = config
        self.mel = MelScale(config.n_bins, config.n_mels, rngs=rngs)
        self.mel_norm = BatchNorm(config.n_mels, rngs=rngs)

        c_in = 1
        self.convs = nnx.Sequential()
        for i, c_out in enumerate(config.channels):
            self.convs.layers.append(ConvBlock(c_in, c_out, 2, config.activation, config.dropout, rngs=rngs))
            c_in = c_out
        mels = config.n_mels // 2 ** len(config.channels)
        self.project = nnx.Linear(c_in * mels, config.dim, **fan_in_uniform(c_in * mels), rngs=rngs)

        self.encoder = nnx.List(
            EncoderBlock(config.dim, config.heads, config.dropout, rngs=rngs) for _ in range(config.depth)
        )
        self.heads = nnx.Dict({
            "score": nnx.Linear(config.dim, config.num_classes, **fan_in_uniform(config.dim), rngs=rngs),
            "weight": nnx.Linear(config.dim, config.num_classes, **fan_in_uniform(config.dim), rngs=rngs),
        })

    def __call__(self, power: jax.Array, mask: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        x = jnp.moveaxis(self.mel_norm(jnp.moveaxis(self.mel(power), 1, -1)), -1, 1)
        x = self.convs(x[:, None].transpose(0, 2, 3, 1))  # N, C, M, T
        n, _, t, _ = x.shape
        x = x.transpose(0, 2, 3, 1).reshape(n, t, -1)
        x = self.project(x)
        for block in self.encoder:
            x = block(x, mask)

        frame = nnx.sigmoid(self.heads["score"](x))
        weight = self.heads["weight"](x)
        if mask is not None:
            weight = jnp.where(mask[..., None], -1e4, weight)
        clip = (frame * nnx.softmax(weight, axis=1)).sum(axis=1)  # attention pooling
        return frame, clip


def build_model(*, rngs: nnx.Rngs, **overrides) -> EventDetector:
    """A detector from fields of the config."""
    return EventDetector(Config(**overrides), rngs=rngs)
