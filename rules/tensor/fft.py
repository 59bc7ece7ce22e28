"""Fourier transforms."""

from torch2jax.rulebook import *


@rule("torch.fft.fft", rank=rank(input), dtype="complex")
def fft(input: Tensor, n=None, dim=-1, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along one axis.

    >>> torch.fft.fft(f32(3, 8))
    >>> torch.fft.fft(f32(3, 8), n=6, dim=0, norm="ortho")
    """
    return jnp.fft.fft(input, n=n, axis=dim, norm=norm)


@rule("torch.fft.ifft", rank=rank(input), dtype="complex")
def ifft(input: Tensor, n=None, dim=-1, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along one axis.

    >>> torch.fft.ifft(c64(3, 8))
    >>> torch.fft.ifft(c64(3, 8), n=6, dim=0, norm="ortho")
    """
    return jnp.fft.ifft(input, n=n, axis=dim, norm=norm)


@rule("torch.fft.rfft", rank=rank(input), dtype="complex")
def rfft(input: Tensor, n=None, dim=-1, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along one axis.

    >>> torch.fft.rfft(f32(3, 8))
    >>> torch.fft.rfft(f32(3, 8), n=6, dim=0, norm="ortho")
    """
    return jnp.fft.rfft(input, n=n, axis=dim, norm=norm)


@rule("torch.fft.irfft", rank=rank(input), dtype="float")
def irfft(input: Tensor, n=None, dim=-1, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along one axis.

    >>> torch.fft.irfft(c64(3, 5))
    >>> torch.fft.irfft(c64(3, 5), n=6, dim=0, norm="ortho")
    """
    return jnp.fft.irfft(input, n=n, axis=dim, norm=norm)


@rule("torch.fft.hfft", rank=rank(input), dtype="float")
def hfft(input: Tensor, n=None, dim=-1, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along one axis.

    >>> torch.fft.hfft(c64(3, 5))
    >>> torch.fft.hfft(c64(3, 5), n=6, dim=0, norm="ortho")
    """
    return jnp.fft.hfft(input, n=n, axis=dim, norm=norm)


@rule("torch.fft.ihfft", rank=rank(input), dtype="complex")
def ihfft(input: Tensor, n=None, dim=-1, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along one axis.

    >>> torch.fft.ihfft(f32(3, 8))
    >>> torch.fft.ihfft(f32(3, 8), n=6, dim=0, norm="ortho")
    """
    return jnp.fft.ihfft(input, n=n, axis=dim, norm=norm)


@rule("torch.fft.fft2", rank=rank(input), dtype="complex")
def fft2(input: Tensor, s=None, dim=(-2, -1), norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along two axes.

    >>> torch.fft.fft2(f32(2, 4, 5))
    >>> torch.fft.fft2(f32(2, 4, 5), dim=(0, 1), norm="ortho")
    >>> torch.fft.fft2(f32(2, 4, 5), s=(3, 6))
    >>> torch.fft.fft2(f32(2, 4, 5), s=6, dim=0, norm="ortho")
    >>> torch.fft.fft2(f32(2, 4, 5), dim=0), torch.fft.fft2(f32(2, 4, 5), 6, (0,))
    >>> torch.fft.fft2(f32(2, 4, 5, 3), (3, 6, 4), dim=(0, 1, 2), norm="ortho")
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.fftn(input, s=None if s is None else single(s), axes=single(dim), norm=norm)
    if len(dim) == 2:
        return jnp.fft.fft2(input, s=s, axes=dim, norm=norm)
    return jnp.fft.fftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.ifft2", rank=rank(input), dtype="complex")
def ifft2(input: Tensor, s=None, dim=(-2, -1), norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along two axes.

    >>> torch.fft.ifft2(c64(2, 4, 5))
    >>> torch.fft.ifft2(c64(2, 4, 5), dim=(0, 1), norm="ortho")
    >>> torch.fft.ifft2(c64(2, 4, 5), s=(3, 6))
    >>> torch.fft.ifft2(c64(2, 4, 5), s=6, dim=0, norm="ortho")
    >>> torch.fft.ifft2(c64(2, 4, 5), dim=0), torch.fft.ifft2(c64(2, 4, 5), 6, (0,))
    >>> torch.fft.ifft2(c64(2, 4, 5, 3), (3, 6, 4), dim=(0, 1, 2), norm="ortho")
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.ifftn(input, s=None if s is None else single(s), axes=single(dim), norm=norm)
    if len(dim) == 2:
        return jnp.fft.ifft2(input, s=s, axes=dim, norm=norm)
    return jnp.fft.ifftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.rfft2", rank=rank(input), dtype="complex")
def rfft2(input: Tensor, s=None, dim=(-2, -1), norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along two axes.

    >>> torch.fft.rfft2(f32(2, 4, 5))
    >>> torch.fft.rfft2(f32(2, 4, 5), dim=(0, 1), norm="ortho")
    >>> torch.fft.rfft2(f32(2, 4, 5), s=(3, 6))
    >>> torch.fft.rfft2(f32(2, 4, 5), s=6, dim=0, norm="ortho")
    >>> torch.fft.rfft2(f32(2, 4, 5), dim=0), torch.fft.rfft2(f32(2, 4, 5), 6, (0,))
    >>> torch.fft.rfft2(f32(2, 4, 5, 3), (3, 6, 4), dim=(0, 1, 2), norm="ortho")
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.rfftn(input, s=None if s is None else single(s), axes=single(dim), norm=norm)
    if len(dim) == 2:
        return jnp.fft.rfft2(input, s=s, axes=dim, norm=norm)
    return jnp.fft.rfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.irfft2", rank=rank(input), dtype="float")
def irfft2(input: Tensor, s=None, dim=(-2, -1), norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along two axes.

    >>> torch.fft.irfft2(c64(2, 4, 5))
    >>> torch.fft.irfft2(c64(2, 4, 5), dim=(0, 1), norm="ortho")
    >>> torch.fft.irfft2(c64(2, 4, 5), s=(3, 6))
    >>> torch.fft.irfft2(c64(2, 4, 5), s=6, dim=0, norm="ortho")
    >>> torch.fft.irfft2(c64(2, 4, 5), dim=0), torch.fft.irfft2(c64(2, 4, 5), 6, (0,))
    >>> torch.fft.irfft2(c64(2, 4, 5, 3), (3, 6, 4), dim=(0, 1, 2), norm="ortho")
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.irfftn(input, s=None if s is None else single(s), axes=single(dim), norm=norm)
    if len(dim) == 2:
        return jnp.fft.irfft2(input, s=s, axes=dim, norm=norm)
    return jnp.fft.irfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.fftn", rank=rank(input), dtype="complex")
def fftn(input: Tensor, s=None, dim=None, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along several axes.

    >>> torch.fft.fftn(f32(2, 4, 5))
    >>> torch.fft.fftn(f32(2, 4, 5), (3, 6), dim=(0, 1), norm="ortho")
    >>> torch.fft.fftn(f32(2, 4, 5), s=6, norm="ortho")
    >>> torch.fft.fftn(f32(2, 4, 5), dim=1)
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.fftn(
            input, s=None if s is None else single(s), axes=None if dim is None else single(dim), norm=norm
        )
    return jnp.fft.fftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.ifftn", rank=rank(input), dtype="complex")
def ifftn(input: Tensor, s=None, dim=None, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along several axes.

    >>> torch.fft.ifftn(c64(2, 4, 5))
    >>> torch.fft.ifftn(c64(2, 4, 5), (3, 6), dim=(0, 1), norm="ortho")
    >>> torch.fft.ifftn(c64(2, 4, 5), s=6, norm="ortho")
    >>> torch.fft.ifftn(c64(2, 4, 5), dim=1)
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.ifftn(
            input, s=None if s is None else single(s), axes=None if dim is None else single(dim), norm=norm
        )
    return jnp.fft.ifftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.rfftn", rank=rank(input), dtype="complex")
def rfftn(input: Tensor, s=None, dim=None, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along several axes.

    >>> torch.fft.rfftn(f32(2, 4, 5))
    >>> torch.fft.rfftn(f32(2, 4, 5), (3, 6), dim=(0, 1), norm="ortho")
    >>> torch.fft.rfftn(f32(2, 4, 5), s=6, norm="ortho")
    >>> torch.fft.rfftn(f32(2, 4, 5), dim=1)
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.rfftn(
            input, s=None if s is None else single(s), axes=None if dim is None else single(dim), norm=norm
        )
    return jnp.fft.rfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.irfftn", rank=rank(input), dtype="float")
def irfftn(input: Tensor, s=None, dim=None, norm=None, *, out: Out = None) -> Tensor:
    """Fourier transform along several axes.

    >>> torch.fft.irfftn(c64(2, 4, 5))
    >>> torch.fft.irfftn(c64(2, 4, 5), (3, 6), dim=(0, 1), norm="ortho")
    >>> torch.fft.irfftn(c64(2, 4, 5), s=6, norm="ortho")
    >>> torch.fft.irfftn(c64(2, 4, 5), dim=1)
    """
    if isinstance(dim, int) or isinstance(s, int):
        return jnp.fft.irfftn(
            input, s=None if s is None else single(s), axes=None if dim is None else single(dim), norm=norm
        )
    return jnp.fft.irfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.hfft2", rank=rank(input), dtype="float")
def hfft2(input: Tensor, s=None, dim=(-2, -1), norm=None, *, out: Out = None) -> Tensor:
    """Real transform of a signal that is Hermitian along the last axis, along two axes.

    >>> torch.fft.hfft2(c64(3, 4))
    >>> torch.fft.hfft2(c64(2, 3, 4), s=(4, 6), dim=(0, -1), norm="ortho")
    >>> torch.fft.hfft2(c64(2, 3, 4), s=6, dim=1, norm="ortho")
    >>> torch.fft.hfft2(c64(2, 3, 4), dim=1), torch.fft.hfft2(c64(2, 3, 4), 6, (1,))
    """
    if isinstance(dim, int) or isinstance(s, int):
        return helpers.hfftn(input, s=None if s is None else single(s), axes=single(dim), norm=norm)
    return helpers.hfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.ihfft2", rank=rank(input), dtype="complex")
def ihfft2(input: Tensor, s=None, dim=(-2, -1), norm=None, *, out: Out = None) -> Tensor:
    """Inverse of hfft2.

    >>> torch.fft.ihfft2(f32(3, 4))
    >>> torch.fft.ihfft2(f32(2, 3, 4), s=(4, 6), dim=(0, -1), norm="forward")
    >>> torch.fft.ihfft2(f32(2, 3, 4), s=6, dim=1, norm="ortho")
    >>> torch.fft.ihfft2(f32(2, 3, 4), dim=1), torch.fft.ihfft2(f32(2, 3, 4), 6, (1,))
    """
    if isinstance(dim, int) or isinstance(s, int):
        return helpers.ihfftn(input, s=None if s is None else single(s), axes=single(dim), norm=norm)
    return helpers.ihfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.hfftn", rank=rank(input), dtype="float")
def hfftn(input: Tensor, s=None, dim=None, norm=None, *, out: Out = None) -> Tensor:
    """Real transform of a signal that is Hermitian along the last axis, along several axes.

    >>> torch.fft.hfftn(c64(2, 3, 4))
    >>> torch.fft.hfftn(c64(2, 3, 4), s=(4, 6), dim=(0, -1), norm="backward")
    >>> torch.fft.hfftn(c64(2, 3, 4), s=6, dim=1, norm="ortho")
    >>> torch.fft.hfftn(c64(2, 3, 4), dim=1), torch.fft.hfftn(c64(2, 3, 4), 6, (1,))
    """
    if isinstance(dim, int) or isinstance(s, int):
        return helpers.hfftn(
            input, s=None if s is None else single(s), axes=None if dim is None else single(dim), norm=norm
        )
    return helpers.hfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.ihfftn", rank=rank(input), dtype="complex")
def ihfftn(input: Tensor, s=None, dim=None, norm=None, *, out: Out = None) -> Tensor:
    """Inverse of hfftn.

    >>> torch.fft.ihfftn(f32(2, 3, 4))
    >>> torch.fft.ihfftn(f32(2, 3, 4), s=(4, 6), dim=(0, -1), norm="ortho")
    >>> torch.fft.ihfftn(f32(2, 3, 4), s=6, dim=1, norm="ortho")
    >>> torch.fft.ihfftn(f32(2, 3, 4), dim=1), torch.fft.ihfftn(f32(2, 3, 4), 6, (1,))
    """
    if isinstance(dim, int) or isinstance(s, int):
        return helpers.ihfftn(
            input, s=None if s is None else single(s), axes=None if dim is None else single(dim), norm=norm
        )
    return helpers.ihfftn(input, s=s, axes=dim, norm=norm)


@rule("torch.fft.fftfreq", rank=1, dtype="float")
def fftfreq(
    n,
    d=1.0,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Ignored = False,
) -> Tensor:
    """Frequencies of the bins.

    >>> torch.fft.fftfreq(8)
    >>> torch.fft.fftfreq(7, d=0.5)
    >>> torch.fft.fftfreq(7, dtype=torch.float64)
    """
    return jnp.fft.fftfreq(n, d=d, dtype=dtype)


@rule("torch.fft.rfftfreq", rank=1, dtype="float")
def rfftfreq(
    n,
    d=1.0,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Ignored = False,
) -> Tensor:
    """Frequencies of the bins.

    >>> torch.fft.rfftfreq(8)
    >>> torch.fft.rfftfreq(7, d=0.5)
    >>> torch.fft.rfftfreq(7, dtype=torch.float64)
    """
    return jnp.fft.rfftfreq(n, d=d, dtype=dtype)


@rule("torch.fft.fftshift", mode="along")
def fftshift(input: Tensor, dim: Axis = None) -> Tensor:
    """The zero frequency in the middle (or back).

    >>> torch.fft.fftshift(f32(4, 5))
    >>> torch.fft.fftshift(f32(4, 5), dim=1)
    >>> torch.fft.fftshift(f32(4, 5), dim=(0, 1))
    """
    return jnp.fft.fftshift(input, axes=dim)


@rule("torch.fft.ifftshift", mode="along")
def ifftshift(input: Tensor, dim: Axis = None) -> Tensor:
    """The zero frequency in the middle (or back).

    >>> torch.fft.ifftshift(f32(4, 5))
    >>> torch.fft.ifftshift(f32(4, 5), dim=1)
    >>> torch.fft.ifftshift(f32(4, 5), dim=(0, 1))
    """
    return jnp.fft.ifftshift(input, axes=dim)


@rule("torch.stft", "torch.Tensor.stft", rank=rank(input) + 2, dtype="float")
def stft_pairs(
    input: Tensor,
    n_fft,
    hop_length=None,
    win_length=None,
    window: Tensor = None,
    center: bool = True,
    pad_mode="reflect",
    normalized: bool = False,
    onesided=None,
    return_complex: IsFalse = None,
    align_to_window: Ignored = None,
) -> Tensor:
    """Short-time Fourier transform, as pairs of real and imaginary parts.

    >>> torch.stft(f32(2, 40), 8, hop_length=3, window=pos(8), return_complex=False)
    >>> torch.stft(f32(2, 40), 8, 3, 6, pos(6), False, "reflect", True, False, False)
    >>> torch.stft(f32(2, 40), 8, pad_mode="constant", return_complex=False)
    """
    return helpers.stft_pairs(
        input,
        n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window,
        center=center,
        pad_mode=pad_mode,
        normalized=normalized,
        onesided=onesided,
    )


@rule("torch.stft", "torch.Tensor.stft", rank=rank(input) + 1, dtype="complex")
def stft(
    input: Tensor,
    n_fft,
    hop_length=None,
    win_length=None,
    window: Tensor = None,
    center: bool = True,
    pad_mode="reflect",
    normalized: bool = False,
    onesided=None,
    return_complex=None,
    align_to_window: Ignored = None,
) -> Tensor:
    """Short-time Fourier transform.

    >>> torch.stft(f32(2, 40), 8, pad_mode="constant", return_complex=True)
    >>> torch.stft(f32(40), 8, hop_length=3, win_length=6, window=pos(6), return_complex=True)
    >>> x = f32(2, 40)
    >>> torch.stft(x, 8, hop_length=4, center=False, normalized=True, onesided=False, return_complex=True)
    >>> torch.stft(f32(40), 8, return_complex=0)
    """
    if return_complex in (0,):
        raise Unsupported("pairs are asked for, but not by False", "write return_complex=False")
    return helpers.stft(
        input,
        n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window,
        center=center,
        pad_mode=pad_mode,
        normalized=normalized,
        onesided=onesided,
    )


@rule("torch.istft", "torch.Tensor.istft", rank=rank(input) - 1, dtype="float")
def istft(
    input: Tensor,
    n_fft,
    hop_length=None,
    win_length=None,
    window: Tensor = None,
    center: bool = True,
    normalized: bool = False,
    onesided: Ignored = None,
    length=None,
    return_complex: bool = False,
) -> Tensor:
    """Inverse of the short-time Fourier transform.

    >>> torch.istft(torch.stft(f32(2, 40), 8, return_complex=True), 8)
    >>> spectra = torch.stft(f32(40), 8, hop_length=2, window=pos(8), return_complex=True)
    >>> torch.istft(spectra, 8, hop_length=2, window=pos(8), length=39)
    >>> torch.istft(c64(8, 11), 8, 2, center=False, return_complex=True)
    >>> torch.istft(c64(2, 8, 11), 8, 2, 6, c64(6), normalized=True, length=19, return_complex=True)
    >>> torch.istft(c64(8, 11), 8, onesided=False)
    >>> torch.istft(c64(5, 11), 8, 2, 6, pos(6), normalized=True)
    >>> torch.istft(c64(5, 11), 8, 2, window=pos(8), center=False)
    """
    if return_complex:
        return helpers.istft(
            input,
            n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window=window,
            center=center,
            normalized=normalized,
            length=length,
            is_complex=True,
        )
    return helpers.istft(
        input,
        n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window,
        center=center,
        normalized=normalized,
        length=length,
    )


@rule("torch.rfft", "torch.irfft", "torch.ifft")
def rfft_legacy(input: Tensor, *args, **kwargs) -> Tensor:
    """The functions of PyTorch before 1.8, on pairs of real numbers.

    >>> torch.rfft(f32(2, 8), 1, onesided=False)
    """
    raise Unsupported(
        "torch.rfft and its like were removed from PyTorch, and work on pairs of numbers", "write torch.fft.rfft(x)"
    )
