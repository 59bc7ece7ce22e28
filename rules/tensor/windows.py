"""Windows of signals: torch.signal.windows."""

from torch2jax.rulebook import *


@rule("torch.signal.windows.general_cosine", rank=1, dtype="float")
def general_cosine(
    M,
    *,
    a,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Sum of cosines.

    >>> torch.signal.windows.general_cosine(6, a=[0.5, 0.3, 0.2])
    >>> torch.signal.windows.general_cosine(7, a=[0.5, 0.5], sym=False, dtype=torch.float64)
    """
    return helpers.general_cosine_window(M, a, sym=sym, dtype=dtype)


@rule("torch.signal.windows.general_hamming", rank=1, dtype="float")
def general_hamming(
    M,
    *,
    alpha=0.54,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Raised cosine.

    >>> torch.signal.windows.general_hamming(6)
    >>> torch.signal.windows.general_hamming(7, alpha=0.6, sym=False, dtype=torch.float64)
    """
    return helpers.general_cosine_window(M, (alpha, 1 - alpha), sym=sym, dtype=dtype)


@rule("torch.signal.windows.hamming", rank=1, dtype="float")
def hamming(
    M,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Hamming window.

    >>> torch.signal.windows.hamming(6)
    >>> torch.signal.windows.hamming(7, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.hamming(1)
    """
    return helpers.general_cosine_window(M, (0.54, 0.46), sym=sym, dtype=dtype)


@rule("torch.signal.windows.hann", rank=1, dtype="float")
def hann(
    M,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Hann window.

    >>> torch.signal.windows.hann(6)
    >>> torch.signal.windows.hann(7, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.hann(1)
    """
    return helpers.general_cosine_window(M, (0.5, 0.5), sym=sym, dtype=dtype)


@rule("torch.signal.windows.blackman", rank=1, dtype="float")
def blackman(
    M,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Blackman window.

    >>> torch.signal.windows.blackman(6)
    >>> torch.signal.windows.blackman(7, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.blackman(1)
    """
    return helpers.general_cosine_window(M, (0.42, 0.5, 0.08), sym=sym, dtype=dtype)


@rule("torch.signal.windows.nuttall", rank=1, dtype="float")
def nuttall(
    M,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Nuttall window.

    >>> torch.signal.windows.nuttall(6)
    >>> torch.signal.windows.nuttall(7, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.nuttall(1)
    """
    return helpers.general_cosine_window(M, (0.3635819, 0.4891775, 0.1365995, 0.0106411), sym=sym, dtype=dtype)


@rule("torch.signal.windows.bartlett", rank=1, dtype="float")
def bartlett(
    M,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Triangle.

    >>> torch.signal.windows.bartlett(6)
    >>> torch.signal.windows.bartlett(7, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.bartlett(1)
    """
    return helpers.bartlett_window(M, sym=sym, dtype=dtype)


@rule("torch.signal.windows.cosine", rank=1, dtype="float")
def cosine(
    M,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Half a wave of a sine.

    >>> torch.signal.windows.cosine(6)
    >>> torch.signal.windows.cosine(7, sym=False, dtype=torch.float64)
    """
    return helpers.cosine_window(M, sym=sym, dtype=dtype)


@rule("torch.signal.windows.exponential", rank=1, dtype="float")
def exponential(
    M,
    *,
    center=None,
    tau=1.0,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Falls off on both sides of the middle.

    >>> torch.signal.windows.exponential(6)
    >>> torch.signal.windows.exponential(7, tau=2.0, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.exponential(6, center=1.0, sym=False)
    """
    return helpers.exponential_window(M, center=center, tau=tau, sym=sym, dtype=dtype)


@rule("torch.signal.windows.gaussian", rank=1, dtype="float")
def gaussian(
    M,
    *,
    std=1.0,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Normal density.

    >>> torch.signal.windows.gaussian(6)
    >>> torch.signal.windows.gaussian(7, std=0.7, sym=False, dtype=torch.float64)
    """
    return helpers.gaussian_window(M, std=std, sym=sym, dtype=dtype)


@rule("torch.signal.windows.kaiser", rank=1, dtype="float")
def kaiser(
    M,
    *,
    beta=12.0,
    sym: bool = True,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
) -> Tensor:
    """Kaiser window.

    >>> torch.signal.windows.kaiser(6)
    >>> torch.signal.windows.kaiser(7, beta=3.0, sym=False, dtype=torch.float64)
    >>> torch.signal.windows.kaiser(1)
    """
    return helpers.kaiser_window(M, beta=beta, sym=sym, dtype=dtype)


@rule("torch.kaiser_window", rank=1, dtype="float")
def kaiser_window(
    window_length,
    periodic: bool = True,
    beta=12.0,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Kaiser window.

    >>> torch.kaiser_window(6)
    >>> torch.kaiser_window(7, False, 3.0, dtype=torch.float64)
    """
    return helpers.kaiser_window(window_length, beta=beta, sym=not periodic, dtype=dtype)
