"""Forecast a noisy sine: an LSTM on windows, early stopping on the validation loss, the best weights are kept."""

import copy
import math
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from jax import lax
from torch.utils.data import DataLoader, TensorDataset, default_collate

torch.manual_seed(7)
rngs = nnx.Rngs(7)
WINDOW = 12

t = jnp.arange(0, 400, dtype=jnp.float32)


# Helpers without a Flax equivalent.


class PackedSequence(NamedTuple):
    """Sequences of different lengths: padded data (time, batch, ...) and lengths (batch,)."""

    data: jax.Array
    lengths: jax.Array


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in) to (..., out) by a weight of shape (out, in)."""
    y = x @ weight.T
    return y if bias is None else y + bias


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


class Recurrent(nnx.Module):
    """Stacked recurrent layers over sequences; a subclass says what happens at one point of time."""

    gates: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        self.hidden_size = hidden_size
        self.output_size = proj_size or hidden_size
        self.num_layers = num_layers
        self.batch_first = batch_first
        self.directions = ("", "_reverse") if bidirectional else ("",)
        self.dropout = nnx.Dropout(dropout, rngs=rngs if dropout else None)
        init = uniform_within(1 / math.sqrt(hidden_size))
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else self.output_size * len(self.directions)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, self.output_size)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if proj_size:
                shapes |= {"weight_hr": (proj_size, hidden_size)}
            for direction in self.directions:
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{layer}{direction}", nnx.Param(init(rngs.params(), shape, param_dtype)))

    def __call__(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """Runs over x: (time, batch, input_size), batch-first if so built, (time, input_size) or a PackedSequence.

        ``state`` has shape (layers * directions, batch, hidden_size), an LSTM's is a pair of such; zeros by default.
        Returns the outputs of the last layer, shaped as x, and the final state.
        """
        if isinstance(x, PackedSequence):
            y, state = self.run_layers(x.data, state, x.lengths)
            return PackedSequence(y, x.lengths), state
        if x.ndim == 2:
            y, state = self.run_layers(x[:, None], jax.tree.map(lambda s: s[:, None], state))
            return y[:, 0], jax.tree.map(lambda s: s[:, 0], state)
        if self.batch_first:
            y, state = self.run_layers(x.swapaxes(0, 1), state)
            return y.swapaxes(0, 1), state
        return self.run_layers(x, state)

    def run_layers(self, x: jax.Array, state: Any, lengths: jax.Array | None = None) -> tuple[jax.Array, Any]:
        """All layers and directions over x (time, batch, features)."""
        dtype = jnp.result_type(x, self.param("weight_ih_l0"))
        if state is None:
            state = self.zero_state(self.num_layers * len(self.directions), x.shape[1])
        state = jax.tree.map(lambda s: s.astype(dtype), state)
        finals: list[Any] = []
        for layer in range(self.num_layers):
            if layer > 0:
                x = self.dropout(x)
            outputs = []
            for direction in self.directions:
                index = len(finals)
                final, y = self.run_time(x, jax.tree.map(lambda s, i=index: s[i], state), layer, direction, lengths)
                finals.append(final)
                outputs.append(y)
            x = jnp.concatenate(outputs, -1)
        return x, jax.tree.map(lambda *parts: jnp.stack(parts), *finals)

    def run_time(
        self, x: jax.Array, state: Any, layer: int, direction: str, lengths: jax.Array | None
    ) -> tuple[Any, jax.Array]:
        """One layer in one direction; beyond a sequence's length the state stands still and outputs are 0."""
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh", "weight_hr")
        weight_ih, bias_ih, *recurrent = (self.param(f"{name}_l{layer}{direction}") for name in names)

        def step(state: Any, inputs: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
            time, projected = inputs
            new = self.step(state, projected, *recurrent)
            output = jax.tree.leaves(new)[0]
            if lengths is None:
                return new, output
            running = (time < lengths)[:, None]
            new = jax.tree.map(lambda n, s: jnp.where(running, n, s), new, state)
            return new, jnp.where(running, output, 0)

        steps = (jnp.arange(x.shape[0]), linear(x, weight_ih, bias_ih))
        final, y = lax.scan(step, state, steps, reverse=direction == "_reverse")
        return final, y

    def param(self, name: str) -> Any:
        """A parameter's array, or None where the layer has no such parameter."""
        param = getattr(self, name, None)
        return None if param is None else param[...]

    def zero_state(self, count: int, batch: int) -> Any:
        """The state before the first step, of ``count`` layers and directions."""
        return jnp.zeros((count, batch, self.hidden_size))

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next state, from this one and the projected input."""
        raise NotImplementedError


def lstm_step(
    state: tuple[jax.Array, jax.Array], projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """The next (h, c), from this one and x @ weight_ih.T + bias_ih; gates are input, forget, cell, output."""
    h, c = state
    i, f, g, o = jnp.split(projected + linear(h, weight_hh, bias_hh), 4, -1)
    c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
    return nnx.sigmoid(o) * jnp.tanh(c), c


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with projected hidden states if ``proj_size`` is given.

    The state is the pair (h, c).
    """

    gates = 4

    def zero_state(self, count: int, batch: int) -> Any:
        """The pair (h, c) before the first step."""
        return jnp.zeros((count, batch, self.output_size)), jnp.zeros((count, batch, self.hidden_size))

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next pair (h, c)."""
        h, c = lstm_step(state, projected, weight_hh, bias_hh)
        return (h if weight_hr is None else h @ weight_hr.T), c


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    if not hasattr(state, "inner_states"):
        return [state.hyperparams]
    # the parameters that are in no group have no hyperparameters
    groups = [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
    return [group.hyperparams for group in groups if hasattr(group, "hyperparams")]


def learning_rates(optimizer: Any) -> list[float]:
    """The rates of an optimizer's groups: the shortest numbers that round to the arrays' values."""
    return [float(str(np.asarray(group["learning_rate"][...]))) for group in hyperparams(optimizer)]


def of_each_group(optimizer: Any, values: Any) -> list[Any]:
    """A value for each group of an optimizer, from one for all or from a list of them."""
    return list(values) if isinstance(values, list | tuple) else [values] * len(hyperparams(optimizer))


def set_hyperparameter(variable: nnx.Variable[jax.Array], number: float) -> None:
    """Gives a Variable another number, in the dtype that it has; cheaper than a write into its array."""
    if not jnp.issubdtype(variable.dtype, jnp.floating):
        raise TypeError(
            f"a hyperparameter of dtype {variable.dtype} can't hold {number}: build the optimizer with floats"
        )
    variable.set_value(jnp.asarray(number, variable.dtype))


def set_learning_rates(optimizer: Any, rates: Iterable[float]) -> None:
    """Gives each group of an optimizer a rate."""
    for group, rate in zip(hyperparams(optimizer), rates, strict=True):
        set_hyperparameter(group["learning_rate"], rate)


class ReduceOnPlateau:
    """Multiplies the rates by `factor` where a metric has not become better for more than `patience` epochs."""

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = optimizer
        self.mode, self.factor, self.patience, self.eps = mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lrs = of_each_group(optimizer, min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self.last_lrs = learning_rates(optimizer)

    def step(self, metrics: Any) -> None:
        """Look at the metric of an epoch."""
        current = float(metrics)
        self.last_epoch += 1
        better = self.is_better(current)
        self.best = current if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self.last_lrs = learning_rates(self.optimizer)

    def is_better(self, current: float) -> bool:
        """Whether a metric is better than the best so far, by more than the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * current > sign * self.best * (1 + sign * self.threshold)
        return sign * current > sign * self.best + self.threshold

    def reduce(self) -> None:
        """Lower the rates, but for changes below `eps`."""
        rates = learning_rates(self.optimizer)
        lower = [max(rate * self.factor, least) for rate, least in zip(rates, self.min_lrs, strict=True)]
        changes = zip(rates, lower, strict=True)
        set_learning_rates(self.optimizer, [new if old - new > self.eps else old for old, new in changes])

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """All that changes with the steps, and the settings."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state_dict)


@jax.jit
def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """Gradients, scaled so that their norm all together is at most ``max_norm`` (up to the 1e-6 of PyTorch).

    `optax.clip_by_global_norm` divides by the norm alone, and leaves gradients below the limit as they are bit by bit.
    """
    scale = jnp.minimum(1.0, max_norm / (optax.tree.norm(grads) + 1e-6))
    return jax.tree.map(lambda grad: grad * scale, grads)


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def load_state(node: Any, state: Any) -> None:
    """Gives a module or an optimizer the values of a state of its kind: one of `nnx.state`, or one that was loaded.

    Raises ValueError where one of them has what the other lacks.
    """
    current = nnx.state(node, nnx.Not(nnx.RngState))
    given = nnx.to_pure_dict(state) if isinstance(state, nnx.State) else nnx.restore_int_paths(state)
    paths = [
        {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(tree)}
        for tree in (given, nnx.to_pure_dict(current))
    ]
    if paths[0] != paths[1]:
        raise ValueError(f"only one of the states has {sorted(paths[0] ^ paths[1])}")
    nnx.replace_by_pure_dict(current, given)
    nnx.update(node, current)


def map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to what is inside nested lists, tuples and dictionaries, which stay what they are."""
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: map_nested(function, item) for key, item in value.items()})
        return result
    if isinstance(value, list | tuple):
        items = [map_nested(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return map_nested(lambda item: item.numpy() if isinstance(item, torch.Tensor) else item, collate(samples))


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))


def to_torch(array: Any) -> Any:
    """A PyTorch tensor with a copy of an array, integers as int64; what is no array of JAX comes back."""
    if not isinstance(array, jax.Array):
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.long() if tensor.dtype == torch.int32 else tensor


series = jnp.sin(0.2 * t) + 0.05 * rngs.normal((400,))


def make_windows(series, window):
    X, y = [], []
    for i in range(len(series) - window):
        X.append(series[i : i + window])
        y.append(series[i + window])
    return jnp.stack(X)[..., None], jnp.stack(y)[..., None]


X, y = make_windows(series, WINDOW)
split = int(0.8 * len(X))
train_loader = DataLoader(
    TensorDataset(to_torch(X[:split]), to_torch(y[:split])), batch_size=32, shuffle=True, collate_fn=numpy_collate
)
X_val, y_val = X[split:], y[split:]


class Forecaster(nnx.Module):
    def __init__(self, hidden_size=10, *, rngs: nnx.Rngs):
        self.lstm = LSTM(1, hidden_size, batch_first=True, rngs=rngs)
        self.linear = nnx.Linear(hidden_size, 1, **fan_in_uniform(hidden_size), rngs=rngs)

    def __call__(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1])


model = Forecaster(rngs=rngs)
criterion = lambda input, target: optax.squared_error(input, target).mean()
optimizer = nnx.Optimizer(model, optax.inject_hyperparams(optax.adam)(learning_rate=0.01), wrt=nnx.Param)
scheduler = ReduceOnPlateau(optimizer, factor=0.5, patience=1)

best_loss, best_state, patience, waited = float("inf"), None, 3, 0


@nnx.jit(graph=False)
def train_step(model, optimizer, xb, yb):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        loss = criterion(model(xb), yb)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    grads = clip_by_norm(grads, 1.0)
    optimizer.update(model, grads)
    return loss


for epoch in range(6):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        xb, yb = jnp.asarray(xb), jnp.asarray(yb)
        loss = train_step(model, optimizer, xb, yb)
        train_loss += loss.item() * xb.shape[0]
    train_loss /= split

    model.eval()
    val_loss = criterion(model(X_val), y_val).item()
    scheduler.step(val_loss)
    print(f"epoch {epoch}: train {train_loss:.5f} val {val_loss:.5f} lr {optimizer.opt_state.hyperparams['learning_rate'][...]:.4f}")

    if val_loss < best_loss:
        best_loss, waited = val_loss, 0
        best_state = copy.deepcopy(nnx.state(model, nnx.Not(nnx.RngState)))
    else:
        waited += 1
        if waited >= patience:
            print("early stopping")
            break

load_state(model, best_state)
forecast = squeeze(model(X_val), -1)
print(f"best {best_loss:.5f}, mean of the forecast {forecast.mean().item():.4f}")
