"""Complex numbers: parts, conjugates, conversion from and to pairs."""

from torch2jax.rulebook import *


@rule("torch.conj", "torch.Tensor.conj", "torch.conj_physical", "torch.Tensor.conj_physical", mode="pointwise")
def conj(input: Tensor, *, out: Out = None) -> Tensor:
    """Complex conjugate.

    >>> torch.conj(c64(2, 3))
    >>> c64(2, 3).conj()
    """
    return jnp.conj(input)


@rule("torch.angle", "torch.Tensor.angle", mode="pointwise", dtype="float")
def angle(input: Tensor, *, out: Out = None) -> Tensor:
    """Argument of complex numbers.

    >>> torch.angle(c64(2, 3))
    >>> c64(2, 3).angle()
    """
    return helpers.angle(input)


@rule("torch.polar", mode="pointwise", dtype="complex")
def polar(abs: Tensor, angle: Tensor, *, out: Out = None) -> Tensor:
    """Complex numbers by magnitude and angle.

    >>> torch.polar(pos(2, 3), f32(2, 3))
    """
    return abs * jnp.exp(1j * angle)


@rule("torch.complex", mode="pointwise", dtype="complex")
def complex(real: Tensor, imag: Tensor, *, out: Out = None) -> Tensor:
    """Complex numbers by their parts.

    >>> torch.complex(f32(2, 3), f32(2, 3))
    >>> x = f32(2, 3)
    >>> torch.complex(x.sin(), x.sum(0))
    >>> torch.complex(f32(2, 3).view(2, 3), f32(3).view(3))
    >>> torch.complex(f32(2, 3).sum(), f32(2, 3).mean())
    """
    if rank(real) == rank(imag):
        return lax.complex(real, imag)
    return lax.complex(*jnp.broadcast_arrays(real, imag))


@rule("torch.real", mode="pointwise", dtype="float", fresh=False)
def real(input: Tensor) -> Tensor:
    """Real part.

    >>> torch.real(c64(2, 3))
    """
    return jnp.real(input)


@rule("torch.imag", mode="pointwise", dtype="float", fresh=False)
def imag(input: Tensor) -> Tensor:
    """Imaginary part.

    >>> torch.imag(c64(2, 3))
    """
    return jnp.imag(input)


@rule("torch.view_as_real", view=True, rank=rank(input) + 1, dtype="float")
def view_as_real(input: Tensor) -> Tensor:
    """Real and imaginary part in a last axis.

    >>> torch.view_as_real(c64(2, 3))
    """
    return jnp.stack([input.real, input.imag], axis=-1)


@rule("torch.view_as_complex", view=True, rank=rank(input) - 1, dtype="complex")
def view_as_complex(input: Tensor) -> Tensor:
    """Complex numbers of a last axis of two.

    >>> torch.view_as_complex(f32(2, 3, 2))
    """
    return lax.complex(input[..., 0], input[..., 1])


@attribute("torch.Tensor.real", mode="pointwise", dtype="float")
def real_attribute(self) -> Tensor:
    """Real part.

    >>> c64(2, 3).real
    """
    return self.real


@attribute("torch.Tensor.imag", mode="pointwise", dtype="float")
def imag_attribute(self) -> Tensor:
    """Imaginary part.

    >>> c64(2, 3).imag
    """
    return self.imag
