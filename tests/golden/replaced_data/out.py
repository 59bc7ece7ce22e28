"""Parameters that are given other memory: who held the old array keeps it, who holds the parameter sees the new one."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Swapped(nnx.Module):
    def __init__(self, n: int = 3, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(n, n, **fan_in_uniform(n), rngs=rngs)
        self.scale = nnx.Param(rngs.uniform((n,)))
        self.backup = nnx.Dict({})

    def doubled(self):
        old = lax.stop_gradient(self.scale[...])
        self.scale[...] = with_data(self.scale[...], old * 2)
        result = old + self.scale[...]
        self.scale[...] = with_data(self.scale[...], old)
        return result

    def store(self):
        for name, p in ordered_named_parameters(self):
            self.backup[name] = lax.stop_gradient(p[...])
            p[...] = with_data(p[...], p[...] * 0.5)

    def restore(self):
        for name, p in named_parameters(self):
            p[...] = with_data(p[...], self.backup[name])

    def __call__(self, x):
        before = self.fc(x)
        self.store()
        during = self.fc(x)
        self.restore()
        return before, during, self.fc(x), self.doubled(), self.scale[...] * 1


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


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


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


def _named(module: nnx.Module) -> Iterator[tuple[str, Any]]:
    """What is in a module, and the module itself, with dotted names."""
    nodes = dict(nnx.iter_graph(module))
    for path, node in nodes.items():
        names = [torch_name(nodes.get(path[:at]), part) for at, part in enumerate(path)]
        yield ".".join(name for name in names if name), node


def named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names; kernels, scales and embeddings are called `weight`."""
    return [(name, node) for name, node in _named(module) if isinstance(node, nnx.Param | Frozen)]


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


def _in_order(
    node: nnx.Module | nnx.Variable[Any], prefix: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, nnx.Module | nnx.Variable[Any]]]:
    """A module, its own Variables, then its children in the same way; each once, with its dotted name."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return
    seen.add(id(node))
    yield prefix.removesuffix("."), node
    if isinstance(node, nnx.Module):
        for name, value in sorted(_attributes(node), key=lambda item: isinstance(item[1], nnx.Module)):
            if isinstance(value, nnx.Module | nnx.Variable):
                yield from _in_order(value, f"{prefix}{torch_name(node, name)}.", seen)


def ordered_named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names, in PyTorch's order."""
    return [(name, node) for name, node in _in_order(module) if isinstance(node, nnx.Param | Frozen)]


def with_data(old: jax.Array, new: jax.Array) -> jax.Array:
    """`new` in the place of `old`, as with PyTorch's `.data`: gradients go to `old`, and none into `new`."""
    new = jax.lax.stop_gradient(jnp.asarray(new))
    if jnp.shape(old) != new.shape:
        return new
    finite = jnp.where(jnp.isfinite(old), old, 0)
    return new + (finite - jax.lax.stop_gradient(finite)).astype(new.dtype)
