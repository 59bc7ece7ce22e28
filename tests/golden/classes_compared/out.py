"""Classes of layers that are compared: as values, of objects, in lists."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


KINDS = [BatchNorm, nnx.GroupNorm]


class Block(nnx.Module):
    def __init__(self, dim, norm_layer=BatchNorm, act=nnx.relu, *, rngs: nnx.Rngs):
        if type(norm_layer) == partial:
            use_bias = norm_layer.func == nnx.InstanceNorm
        else:
            use_bias = getattr(norm_layer, "func", norm_layer) == nnx.InstanceNorm
        self.conv = nnx.Conv(
            dim, dim, (3, 3), padding=1, use_bias=use_bias, **fan_in_uniform(dim, (3, 3)), rngs=rngs
        )
        self.norm = norm_layer(dim, rngs=rngs)
        self.act = act if act is nnx.relu else act
        self.gain = 2.0 if getattr(act, "func", act) in (nnx.gelu, leaky_relu) else 1.5

    # x: N H W C; result: N H W C
    def __call__(self, x):
        return self.gain * self.act(self.norm(self.conv(x)))


class Net(nnx.Module):
    def __init__(self, dim=3, *, rngs: nnx.Rngs):
        self.embed = nnx.Embed(7, dim, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.a = Block(
            dim,
            partial(
                nnx.InstanceNorm,
                epsilon=1e-5,
                use_bias=False,
                use_scale=False,
                use_fast_variance=False,
            ),
            rngs=rngs,
        )
        self.b = Block(
            dim,
            partial(nnx.InstanceNorm, epsilon=1e-5, use_fast_variance=False),
            partial(nnx.gelu, approximate=False),
            rngs=rngs,
        )
        self.c = Block(dim, act=leaky_relu, rngs=rngs)
        self.up = nnx.ConvTranspose(
            dim,
            2,
            (2, 2),
            strides=2,
            padding=1,
            transpose_kernel=True,
            **fan_in_uniform(2, (2, 2)),
            rngs=rngs,
        )
        self.kinds = (nnx.ConvTranspose, nnx.GroupNorm)
        self.score = 0
        for m in ordered_modules(self):
            if type(m) is nnx.Embed:
                m.embedding[...] = jnp.full_like(m.embedding, 0.03)
            elif type(m) is nnx.Conv:
                m.kernel[...] = jnp.full_like(m.kernel, 0.03)
            elif type(m) == nnx.InstanceNorm or m.__class__ is nnx.ConvTranspose:
                self.score += 1
            if type(m) in KINDS:
                self.score += 10
            if type(m) in self.kinds:
                self.score += 100
            kind = type(m)
            if getattr(kind, "func", kind) is nnx.Embed:
                self.score += 1000

    def __call__(self, x):
        h = self.embed(x)
        return (self.up(self.c(self.b(self.a(h)))) * self.score).transpose(0, 3, 1, 2)


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


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)


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


def ordered_modules(module: nnx.Module) -> Iterator[nnx.Module]:
    """The module and all below it, each once, in PyTorch's order: those that hold others come before them."""
    return (node for _, node in _in_order(module) if isinstance(node, nnx.Module))
