import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Block(nnx.Module):
    def __init__(self, width, out, *, rngs: nnx.Rngs):
        self.norm = nnx.LayerNorm(width, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.act = partial(nnx.gelu, approximate=False)
        self.fc = nnx.Linear(width, out, **fan_in_uniform(width), rngs=rngs)

    def __call__(self, x):
        return self.fc(self.act(self.norm(x)))


class Net(nnx.Module):
    """Layers taken out of other modules: children, slices and stars."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.body = nnx.Sequential(
            nnx.Linear(3, 4, **fan_in_uniform(3), rngs=rngs),
            nnx.relu,
            nnx.Linear(4, 5, **fan_in_uniform(4), rngs=rngs),
            nnx.tanh,
        )
        self.tail = nnx.Sequential(*self.body.layers[2:])
        self.longer = nnx.Sequential(
            *self.body.layers, nnx.Linear(5, 3, **fan_in_uniform(5), rngs=rngs)
        )
        self.headless = nnx.Sequential(*list(self.body.layers)[:-1])
        self.some = nnx.List([*self.body.layers[:2]])
        self.block = Block(5, 7, rngs=rngs)
        self.all = nnx.Sequential(*children(self.block))
        self.count = len(self.body.layers[1:])

    def __call__(self, x):
        h = self.tail(nnx.Sequential(*self.body.layers[:2])(x))
        for layer in self.body.layers[1:2]:
            h = layer(h)
        y = x
        for layer in self.some:
            y = layer(y)
        named = h
        for name, layer in named_children(self.block):
            if name != "act":
                named = layer(named)
        return h * self.count, self.longer(x), self.headless(x), y, self.all(h), named


# Helpers without a Flax equivalent.


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


def _is_layer(value: object) -> bool:
    is_state = isinstance(value, nnx.Variable | nnx.Rngs | type)
    return isinstance(value, nnx.Module) or (callable(value) and not is_state)


def named_children(module: nnx.Module) -> list[tuple[str, Any]]:
    """The layers directly in a module with their names, in the order of assignment; each module once."""
    found = [(name, value) for name, value in _attributes(module) if _is_layer(value)]
    first = {id(value): name for name, value in reversed(found)}
    return [(name, value) for name, value in found if not isinstance(value, nnx.Module) or first[id(value)] == name]


def children(module: nnx.Module) -> list[Any]:
    """The layers directly in a module in the order of their assignment, those included that are plain functions."""
    return [layer for _, layer in named_children(module)]


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
