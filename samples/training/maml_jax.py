"""Model-agnostic meta-learning of sine waves: second derivatives through an inner loop with fast weights."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

np.random.seed(0)
rngs = nnx.Rngs(0)

k_shot = 10
meta_batch_size = 4
inner_lr = 0.01
inner_steps = 3
meta_lr = 1e-3
num_iterations = 60


class SineTask:
    """A sine wave of its own amplitude and phase."""

    def __init__(self):
        self.amplitude = np.random.uniform(0.1, 5.0)
        self.phase = np.random.uniform(0, np.pi)

    def sample(self, size):
        x = np.random.uniform(-5.0, 5.0, size=(size, 1))
        y = self.amplitude * np.sin(x + self.phase)
        return jnp.asarray(x).astype(jnp.float32), jnp.asarray(y).astype(jnp.float32)


class Learner(nnx.Module):
    """A network whose weights can be given with each call."""

    def __init__(self, hidden=24, *, rngs: nnx.Rngs):
        self.w1 = nnx.Param(jnp.empty((hidden, 1)))
        self.b1 = nnx.Param(jnp.zeros((hidden,)))
        self.w2 = nnx.Param(jnp.empty((hidden, hidden)))
        self.b2 = nnx.Param(jnp.zeros((hidden,)))
        self.w3 = nnx.Param(jnp.empty((1, hidden)))
        self.b3 = nnx.Param(jnp.zeros((1,)))
        for weight in (self.w1, self.w2, self.w3):
            weight[...] = nnx.initializers.variance_scaling(2.0, "fan_in", "normal", in_axis=1, out_axis=0)(
                rngs.params(), weight.shape, weight.dtype
            )

    def __call__(self, x, weights=None):
        if weights is None:
            weights = [self.w1, self.b1, self.w2, self.b2, self.w3, self.b3]
        x = jnp.tanh(x @ weights[0].T + weights[1])
        x = jnp.tanh(x @ weights[2].T + weights[3])
        return x @ weights[4].T + weights[5]


def adapt(model, x, y):
    """Fast weights after a few steps on the support set; the graph is kept for the outer derivative."""
    fast_weights = [param[...] for param in ordered_parameters(model)]
    for _ in range(inner_steps):
        def loss_fn(fast_weights, model):
            loss = optax.squared_error(model(x, fast_weights), y).mean()
            return loss

        grads = nnx.grad(loss_fn)(fast_weights, model)
        fast_weights = [w - inner_lr * g for w, g in zip(fast_weights, grads)]
    return fast_weights


@nnx.jit(graph=False)
def train_step(model, optimizer, tasks, meta_loss):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest, meta_loss):
        model = nnx.merge(graphdef, params, rest)

        for (x_spt, y_spt), (x_qry, y_qry) in tasks:
            fast_weights = adapt(model, x_spt, y_spt)
            meta_loss += optax.squared_error(model(x_qry, fast_weights), y_qry).mean()
        meta_loss = meta_loss / meta_batch_size
        return meta_loss

    meta_loss, grads = nnx.value_and_grad(loss_fn)(params, rest, meta_loss)
    optimizer.update(model, grads)
    return meta_loss


def meta_train(model, optimizer):
    for iteration in range(num_iterations):
        meta_loss = 0.0
        tasks = []
        for _ in range(meta_batch_size):
            task = SineTask()
            tasks.append((task.sample(k_shot), task.sample(k_shot)))
        meta_loss = train_step(model, optimizer, tasks, meta_loss)

        if iteration % 10 == 0:
            print(f"iteration {iteration}: meta loss {meta_loss.item():.5f}")


def evaluate(model):
    """The loss on a new task before and after adaptation."""
    task = SineTask()
    x, y = task.sample(k_shot)
    x_test, y_test = task.sample(50)
    before = optax.squared_error(model(x_test), y_test).mean()
    after = optax.squared_error(model(x_test, adapt(model, x, y)), y_test).mean()
    print(f"new task: loss {before.item():.5f} before, {after.item():.5f} after adaptation")


# Helpers without a Flax equivalent.


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


def ordered_parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once, in PyTorch's order."""
    return (node for _, node in _in_order(module) if isinstance(node, nnx.Param | Frozen))


model = Learner(rngs=rngs)
optimizer = nnx.Optimizer(model, optax.adam(meta_lr), wrt=nnx.Param)
meta_train(model, optimizer)
evaluate(model)
