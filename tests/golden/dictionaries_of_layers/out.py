"""Dictionaries of layers that are gone through: in the order in which the layers were put in."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Heads(nnx.Module):
    def __init__(self, names=("z", "a"), *, rngs: nnx.Rngs):
        self.heads = nnx.Dict({
            "z": nnx.Linear(3, 3, **fan_in_uniform(3), rngs=rngs),
            "a": nnx.LayerNorm(3, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
        })
        self.sorted = nnx.Dict({
            "a": nnx.Linear(3, 3, **fan_in_uniform(3), rngs=rngs),
            "b": nnx.LayerNorm(3, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
        })
        self.named = nnx.Dict({name: nnx.Linear(3, 3, **fan_in_uniform(3), rngs=rngs) for name in names})
        self.scales = nnx.Dict(sorted({"y": nnx.Param(rngs.uniform((3,))), "b": nnx.Param(rngs.uniform((3,)))}.items()))
        self.known = nnx.Dict({"z": jnp.linspace(0, 1, 3), "a": jnp.linspace(1, 3, 3)})

    def __call__(self, x):
        for name, head in in_order(self.heads).items():
            x = head(x)
        for head in self.sorted.values():
            x = head(x)
        for name in in_order(self.named):
            x = jnp.tanh(self.named[name](x))
        for i, name in enumerate(in_order(self.named)):
            x = x * (i + 2)
        x = jnp.concatenate([x, *[s[...] * x for s in self.scales.values()]])
        total = sum(p[...].sum() for p in self.scales.values())
        assert "z" in self.heads.keys() and len(self.heads) == 2
        names = list(in_order(self.heads))
        return (
            x,
            total,
            [self.heads[k](x) for k in in_order(self.heads)],
            self.named[list(in_order(self.named).keys())[0]](x),
            [v + 1 for v in in_order(self.known).values()],
        )


# Helpers without a Flax equivalent.


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def _is_transposition(layer: object) -> bool:
    """Whether a layer changes the order of axes, and PyTorch has none there."""
    return isinstance(layer, partial) and layer.func is jnp.transpose


def torch_name(owner: object, name: object) -> str:
    """What PyTorch calls an attribute; nothing for the list in an `nnx.Sequential`, which may hold transpositions."""
    if isinstance(owner, nnx.List) and str(name).isdecimal():
        return str(int(str(name)) - sum(map(_is_transposition, owner[: int(str(name))])))
    match owner:
        case nnx.Module() if name in ("mean", "var") and isinstance(getattr(owner, str(name)), nnx.BatchStat):
            return f"running_{name}"
        case nnx.Linear() | nnx.LinearGeneral() | nnx.Conv() | nnx.ConvTranspose() | nnx.Embed():
            return "weight" if name in ("kernel", "embedding") else str(name)
        case nnx.BatchNorm() | nnx.LayerNorm() | nnx.GroupNorm() | nnx.RMSNorm() | nnx.InstanceNorm():
            return "weight" if name == "scale" else str(name)
        case nnx.PReLU():
            return "weight" if name == "negative_slope" else str(name)
        case nnx.Sequential():
            return "" if name == "layers" else str(name)
    names: dict[object, str] = getattr(type(owner), "torch_names", {})
    return names.get(name, str(name))


def _attributes(module: nnx.Module) -> list[tuple[str, Any]]:
    """What a module holds, in the order of assignment; an `nnx.Sequential` its layers first.

    `nnx.merge`, and so `nnx.jit`, sorts the attributes by their names; `_pytree__nodes` keeps the order.
    """
    held = vars(module)
    names = [name for name in getattr(module, "_pytree__nodes", held) if name in held]
    own = [(name, held[name]) for name in names if not name.startswith("_pytree__")]
    if not isinstance(module, nnx.Sequential):
        return own
    layers = [(torch_name(module.layers, name), value) for name, value in _attributes(module.layers)]
    return [*layers, *((name, value) for name, value in own if name != "layers")]


def in_order(layers: nnx.Dict[Any]) -> dict[str, Any]:
    """The items of an `nnx.Dict` in the order in which they were put in; `nnx.merge`, and so `nnx.jit`, sorts them."""
    return dict(_attributes(layers))
