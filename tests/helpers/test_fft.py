"""Short-time Fourier transforms against torch."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import fft

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]
WINDOW = np.hanning(9)[:-1] + 0.1


@pytest.mark.parametrize("shape", [(40,), (2, 40)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hop_length": 3},
        {"hop_length": 3, "win_length": 6},
        {"center": False, "normalized": True},
        {"onesided": False, "pad_mode": "constant"},
        {"pad_mode": "replicate"},
        {"pad_mode": "circular", "hop_length": 5},
    ],
)
@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_stft(shape: tuple[int, ...], options: dict, windowed: bool, agree: Agree, normal: Normal) -> None:
    window = WINDOW[: options.get("win_length", 8)] if windowed else None

    def in_torch(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kernel = None if window is None else torch.tensor(window)
        spectra = torch.stft(x, 8, window=kernel, return_complex=True, **options)
        return spectra.real, spectra.imag

    def in_jax(x: jnp.ndarray) -> tuple[jnp.ndarray, jnp.ndarray]:
        spectra = fft.stft(x, 8, window=None if window is None else jnp.asarray(window), **options)
        return spectra.real, spectra.imag

    agree(in_torch, in_jax, normal(*shape))


@pytest.mark.filterwarnings("ignore")
def test_stft_as_pairs(agree: Agree, normal: Normal) -> None:
    agree(lambda x: torch.stft(x, 8, return_complex=False), lambda x: fft.stft_pairs(x, 8), normal(2, 40))


@pytest.mark.parametrize("shape", [(40,), (2, 40)])
@pytest.mark.parametrize(
    ("options", "extra"),
    [
        ({}, {}),
        ({"hop_length": 3}, {"length": 37}),
        ({"hop_length": 3, "win_length": 6}, {}),
        ({"normalized": True}, {"length": 44}),
        ({"onesided": False}, {}),
        ({"hop_length": 4}, {"length": 30}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_istft(shape: tuple[int, ...], options: dict, extra: dict, normal: Normal) -> None:
    window = WINDOW[: options.get("win_length", 8)]
    spectra = torch.stft(torch.tensor(normal(*shape)), 8, window=torch.tensor(window), return_complex=True, **options)
    spectra = spectra * torch.linspace(0.5, 1.5, spectra.shape[-1], dtype=torch.float64)
    expected = torch.istft(spectra, 8, window=torch.tensor(window), **options, **extra)
    options = {name: value for name, value in options.items() if name != "onesided"}  # half of them is enough
    actual = fft.istft(jnp.asarray(spectra.numpy()), 8, window=jnp.asarray(window), **options, **extra)
    assert actual.shape == tuple(expected.shape)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_round_trip(normal: Normal) -> None:
    x = normal(2, 40)
    spectra = fft.stft(jnp.asarray(x), 8, hop_length=2, window=jnp.asarray(WINDOW))
    np.testing.assert_allclose(
        fft.istft(spectra, 8, hop_length=2, window=jnp.asarray(WINDOW)), x, rtol=1e-9, atol=1e-12
    )
