"""train() overridden, frozen parameters, modes of single layers."""
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Frozen(nnx.Module):
    def __init__(self, c=4, freeze_bn=True, *, rngs: nnx.Rngs):
        self.freeze_bn = freeze_bn
        self.stem = nnx.Sequential(
            nnx.Conv(3, c, (3, 3), padding="VALID", **fan_in_uniform(3, (3, 3)), rngs=rngs),
            BatchNorm(c, rngs=rngs),
        )
        self.bn = BatchNorm(c, rngs=rngs)
        self.head = nnx.Linear(c, 2, **fan_in_uniform(c), rngs=rngs)
        freeze(self.stem)
        freeze(self.head.bias)

    def train(self, mode=True):
        if mode:
            super().train()
        else:
            super().eval()
        if self.freeze_bn:
            self.stem.eval()
        return self

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        f = self.stem(x)
        f = lax.stop_gradient(f)
        return self.head(self.bn(f).mean(axis=(1, 2)))

    def trainable(self):
        return [name for name, p in ordered_named_parameters(self) if isinstance(p, nnx.Param)]


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


class _Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def set_trainable(target: Any, trainable: bool) -> Any:
    """Makes a parameter, or every parameter of a module, an `nnx.Param` or `Frozen`, and gives it back.

    The Variables change their class in place, so that a parameter with several owners stays one.
    """
    nodes = [target] if isinstance(target, nnx.Variable) else [node for _, node in nnx.iter_graph(target)]
    for node in nodes:
        if isinstance(node, nnx.Param | _Frozen):
            node.__class__ = nnx.Param if trainable else _Frozen
    return target


def freeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, out of training."""
    return set_trainable(target, False)


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


def ordered_named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names, in PyTorch's order."""
    return [(name, node) for name, node in _in_order(module) if isinstance(node, nnx.Param | _Frozen)]
