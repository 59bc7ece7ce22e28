import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Walk(nnx.Module):
    """Loops over children, slices and reversed lists of modules."""

    def __init__(self, d=4, depth=4, *, rngs: nnx.Rngs):
        self.layers = nnx.List([
            nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs) for _ in range(depth)
        ])
        self.layers.append(nnx.Linear(d, d, use_bias=False, **fan_in_uniform(d), rngs=rngs))
        self.layers.extend(
            nnx.Sequential(
                nnx.LayerNorm(d, epsilon=1e-5, use_fast_variance=False, rngs=rngs), nnx.tanh
            )
            for _ in range(2)
        )
        self.layers.insert(0, nnx.identity)
        self.norms = nnx.List(
            nnx.LayerNorm(d, epsilon=1e-5, use_fast_variance=False, rngs=rngs) for _ in self.layers
        )
        self.tail = nnx.Sequential(
            nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs),
            nnx.relu,
            nnx.Linear(d, 3, **fan_in_uniform(d), rngs=rngs),
        )
        self.tap = 2

    def __call__(self, x):
        taps = []
        for i, (layer, norm) in enumerate(zip(self.layers[:-1], self.norms)):
            x = x + layer(norm(x))
            if i == self.tap:
                taps.append(x)
        for layer in reversed(self.layers[1:3]):
            x = layer(x)
        x = self.layers[-1](x)
        for name, child in named_children(self.tail):
            x = child(x)
            if name == "1":
                taps.append(x)
        return (
            x,
            jnp.concatenate(taps, axis=1),
            self.tail.layers[0](taps[0]),
            nnx.Sequential(*self.tail.layers[:2])(taps[1]),
        )

    def summary(self):
        return {name: sum(p.size for p in parameters(m)) for name, m in named_children(self)}


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


def _is_layer(value: object) -> bool:
    is_state = isinstance(value, nnx.Variable | nnx.Rngs | type)
    return isinstance(value, nnx.Module) or (callable(value) and not is_state)


def named_children(module: nnx.Module) -> list[tuple[str, Any]]:
    """The layers directly in a module with their names, in the order of assignment; each module once."""
    found = [(name, value) for name, value in _attributes(module) if _is_layer(value)]
    first = {id(value): name for name, value in reversed(found)}
    return [(name, value) for name, value in found if not isinstance(value, nnx.Module) or first[id(value)] == name]


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))
