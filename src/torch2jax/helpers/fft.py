"""Short-time Fourier transform and its inverse."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp


def centered_window(window: jax.Array | None, win_length: int, n_fft: int) -> jax.Array:
    """The window with zeros on both sides up to `n_fft`; all 1 without a window."""
    window = jnp.ones(win_length) if window is None else window
    left = (n_fft - win_length) // 2
    return jnp.pad(window, (left, n_fft - win_length - left))


def stft(
    x: jax.Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: jax.Array | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
) -> jax.Array:
    """Spectra of windows `hop_length` apart of a signal (..., time): (..., frequencies, frames)."""
    hop = n_fft // 4 if hop_length is None else hop_length
    window = centered_window(window, n_fft if win_length is None else win_length, n_fft)
    if center:
        widths = [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)]
        x = jnp.pad(x, widths, mode={"replicate": "edge", "circular": "wrap"}.get(pad_mode, pad_mode))
    starts = jnp.arange(0, x.shape[-1] - n_fft + 1, hop)
    frames = x[..., starts[:, None] + jnp.arange(n_fft)] * window
    full = onesided is False or jnp.iscomplexobj(frames)
    spectra = jnp.fft.fft(frames) if full else jnp.fft.rfft(frames)
    return (spectra / n_fft**0.5 if normalized else spectra).mT


def stft_pairs(
    x: jax.Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: jax.Array | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
) -> jax.Array:
    """The real and imaginary parts of `stft`: (..., frequencies, frames, 2)."""
    spectra = stft(x, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided)
    return jnp.stack([spectra.real, spectra.imag], -1)


def istft(
    spectra: jax.Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: jax.Array | None = None,
    center: bool = True,
    normalized: bool = False,
    length: int | None = None,
    is_complex: bool = False,
) -> jax.Array:
    """The signal (..., time) whose spectra (..., frequencies, frames) `stft` gives, by overlap and add.

    A complex signal has the frequencies of both signs.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    window = centered_window(window, n_fft if win_length is None else win_length, n_fft)
    frames = spectra.mT * n_fft**0.5 if normalized else spectra.mT
    frames = jnp.fft.ifft(frames) if is_complex else jnp.fft.irfft(frames, n_fft)  # of which only the first half counts
    frames = frames * window
    count = frames.shape[-2]
    places = jnp.arange(count)[:, None] * hop + jnp.arange(n_fft)
    total = n_fft + hop * (count - 1)
    signal = jnp.zeros((*frames.shape[:-2], total), frames.dtype).at[..., places].add(frames)
    envelope = jnp.zeros(total, frames.dtype).at[places].add(jnp.broadcast_to(window**2, places.shape))
    start = n_fft // 2 if center else 0
    end = total - start if length is None else min(start + length, total)
    signal = signal[..., start:end] / envelope[start:end]
    missing = 0 if length is None else max(start + length - total, 0)
    return jnp.pad(signal, [(0, 0)] * (signal.ndim - 1) + [(0, missing)])


OPPOSITE_NORM = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def hfftn(
    x: jax.Array, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> jax.Array:
    """Real transform of a signal that is Hermitian along the last of `axes`."""
    return jnp.fft.irfftn(x.conj(), s, axes, OPPOSITE_NORM[norm])


def ihfftn(
    x: jax.Array, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> jax.Array:
    """Half of the inverse transform of a real signal: `hfftn`'s inverse."""
    return jnp.fft.rfftn(x, s, axes, OPPOSITE_NORM[norm]).conj()
