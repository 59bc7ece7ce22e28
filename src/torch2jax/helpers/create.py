"""What PyTorch decides by the type of an argument: legacy constructors, `x.to(...)`."""

from typing import Any

import jax
import jax.numpy as jnp


def legacy_tensor(data: Any, dtype: Any) -> jax.Array:
    """An array of `data`, or zeros of that length where it is an int: what `torch.FloatTensor(data)` makes.

    Raises TypeError for a tuple, which PyTorch takes as data, or as a shape if it is a `torch.Size`.
    """
    if isinstance(data, tuple):
        raise TypeError(f"is {data} data or a shape? write jnp.array(...) or jnp.zeros(...)")
    return jnp.zeros(data, dtype) if isinstance(data, int) else jnp.array(data, dtype)


def legacy_tensor_of(*args: Any, dtype: Any) -> jax.Array:
    """What `torch.FloatTensor(*args)` makes of arguments whose number is open: data, or zeros of sizes."""
    return legacy_tensor(args[0], dtype) if len(args) == 1 else jnp.zeros(args or 0, dtype)


def is_array(x: Any) -> bool:
    """Whether `x` is a JAX array."""
    return isinstance(x, jax.Array)


def to(x: jax.Array, target: Any) -> jax.Array:
    """What `x.to(target)` means: `x` as another dtype, or as that of another array; for a device `x` itself."""
    if target is None or isinstance(target, str | int | jax.Device):
        return x
    return x.astype(getattr(target, "dtype", target))
