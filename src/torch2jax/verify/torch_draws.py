"""Torch's random operators with the shared numbers of `torch2jax.verify.randomness`.

They are replaced where every call ends up, in the dispatcher: dropout inside an LSTM or in attention draws there too.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from torch2jax.verify.randomness import Draws, seeded_python
from torch2jax.weights.arrays import Array, as_numpy


@contextmanager
def torch_draws(seed: int, draws: Draws | None = None) -> Iterator[Draws]:
    """Inside, torch's random operators take their numbers from the shared ones (from ``draws``, if given)."""
    seed_torch(seed)
    draws = draws or Draws(seed)
    mode = _SharedDraws(draws)
    attention = functools.partial(_attention, mode, torch.nn.functional.multi_head_attention_forward)
    functools.update_wrapper(attention, torch.nn.functional.multi_head_attention_forward)
    with seeded_python(seed), ExitStack() as stack:
        stack.enter_context(patch.object(torch.nn.functional, "multi_head_attention_forward", attention))
        for name, function in zip(("get_rng_state", "set_rng_state"), _rng_state(draws), strict=True):
            stack.enter_context(patch.object(torch, name, function))
        stack.enter_context(mode)
        yield draws


def seed_torch(seed: int) -> None:
    """`torch.manual_seed`, which remembers every call for the day that a GPU is used: that takes long."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    torch.default_generator.manual_seed(seed)


def _rng_state(draws: Draws) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`torch.get_rng_state` and `torch.set_rng_state` that keep and bring back how much was drawn.

    `torch.utils.checkpoint` runs a forward pass again with the same random numbers by means of them.
    """
    drawn: dict[bytes, Counter[tuple[str, tuple[int, ...]]]] = {}
    get, put = torch.get_rng_state, torch.set_rng_state

    def get_rng_state() -> torch.Tensor:
        state = get()
        drawn[state.numpy().tobytes()] = Counter(draws.log)
        return state

    def set_rng_state(state: torch.Tensor) -> None:
        put(state)
        draws.log = Counter(drawn.get(state.numpy().tobytes(), draws.log))

    return get_rng_state, set_rng_state


def _attention(mode: _SharedDraws, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`multi_head_attention_forward`, which folds the heads into the batch: its masks are drawn with heads apart."""
    before, mode.heads = mode.heads, args[4] if len(args) > 4 else kwargs["num_heads"]
    try:
        return forward(*args, **kwargs)
    finally:
        mode.heads = before


class _SharedDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets every random operator run, for its shape, dtype and device, and puts the shared numbers into the result."""

    def __init__(self, draws: Draws) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.draws = draws
        self.heads = 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One operator."""
        name = func.overloadpacket.__name__
        if name in _WHOLE:
            torch.rand(())  # torch's own generator goes on as well
            return _WHOLE[name](self.draws, _bound(func, args, kwargs or {}))
        result = func(*args, **(kwargs or {}))
        if name in _FILLED:
            call = _bound(func, args, kwargs or {})
            call["shape"] = self._drawn_shape(result)
            values = _FILLED[name](self.draws, call)
            result.copy_(torch.as_tensor(values).reshape(result.shape))
        elif name in _UNSHARED:
            self.draws.unshared[name] += 1
        return result

    def _drawn_shape(self, result: torch.Tensor) -> tuple[int, ...]:
        shape = tuple(result.shape)
        if self.heads > 1 and len(shape) == 3 and shape[0] % self.heads == 0:
            return (shape[0] // self.heads, self.heads, *shape[1:])
        return shape


_UNSHARED = frozenset(("poisson", "binomial", "_standard_gamma", "_sample_dirichlet", "_fused_dropout", "_cudnn_rnn"))


def _bound(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of an operator by name, with defaults."""
    names = [argument.name for argument in func._schema.arguments]
    defaults = {a.name: a.default_value for a in func._schema.arguments if a.has_default_value()}
    return {**defaults, **dict(zip(names, args, strict=False)), **kwargs}


def _number(value: Any) -> Any:
    return as_numpy(value) if isinstance(value, torch.Tensor) else value


def _normal(draws: Draws, call: Mapping[str, Any]) -> Array:
    return np.asarray(draws.normal(call["shape"]) * _number(call["std"]) + _number(call["mean"]))


def _uniform(draws: Draws, call: Mapping[str, Any]) -> Array:
    return np.asarray(draws.uniform(call["shape"]) * (call["to"] - call["from"]) + call["from"])


def _bernoulli(draws: Draws, call: Mapping[str, Any]) -> Array:
    probability = call["p"] if "p" in call else call["self"]
    return np.asarray(draws.uniform(call["shape"]) < _number(probability))


def _integers(draws: Draws, call: Mapping[str, Any]) -> Array:
    return draws.integer(call.get("low", 0), call["high"], call["shape"])


def _random_integers(draws: Draws, call: Mapping[str, Any]) -> Array:
    high = call.get("to")
    if high is None:  # all that the dtype can hold
        dtype = call["self"].dtype
        high = 2**53 if dtype.is_floating_point else 2 if dtype is torch.bool else torch.iinfo(dtype).max + 1
    return draws.integer(call.get("from", 0), high, call["shape"])


_FILLED: Mapping[str, Callable[[Draws, Mapping[str, Any]], Array]] = {
    "randn": lambda draws, call: draws.normal(call["shape"]),
    "randn_like": lambda draws, call: draws.normal(call["shape"]),
    "rand": lambda draws, call: draws.uniform(call["shape"]),
    "rand_like": lambda draws, call: draws.uniform(call["shape"]),
    "normal": _normal,
    "normal_": _normal,
    "normal_functional": _normal,
    "uniform_": _uniform,
    "uniform": _uniform,
    "bernoulli": _bernoulli,
    "bernoulli_": _bernoulli,
    "randint": _integers,
    "randint_like": _integers,
    "random_": _random_integers,
    "randperm": lambda draws, call: draws.permutation(call["n"]),
    "exponential_": lambda draws, call: draws.exponential(call["shape"]) / call["lambd"],
    "cauchy_": lambda draws, call: call["median"] + call["sigma"] * draws.cauchy(call["shape"]),
    "geometric_": lambda draws, call: np.ceil(np.log1p(-draws.uniform(call["shape"])) / math.log1p(-call["p"])),
    "log_normal_": lambda draws, call: np.exp(call["mean"] + call["std"] * draws.normal(call["shape"])),
    "multinomial": lambda draws, call: _multinomial(draws, call),
}
"""Operators whose result is filled with shared numbers."""


def _multinomial(draws: Draws, call: Mapping[str, Any]) -> Array:
    weights, count = as_numpy(call["self"]), call["num_samples"]
    if count > 1 and not call["replacement"]:
        with np.errstate(divide="ignore"):
            order = np.log(weights) + draws.gumbel(weights.shape)
        return np.asarray(np.argsort(-order, axis=-1, kind="stable")[..., :count])
    below = np.cumsum(weights / weights.sum(-1, keepdims=True), -1)
    chosen = draws.uniform((*weights.shape[:-1], count))[..., None] >= below[..., None, :]
    return np.asarray(np.minimum(chosen.sum(-1), weights.shape[-1] - 1))


def _rrelu(draws: Draws, call: Mapping[str, Any]) -> torch.Tensor:
    """A slope for each negative element; ``noise`` keeps the slopes for the backward pass."""
    x: torch.Tensor = call["self"]
    noise: torch.Tensor = call["noise"]
    if not call["training"]:
        return torch.where(x > 0, x, x * ((call["lower"] + call["upper"]) / 2))
    slopes = draws.uniform(tuple(x.shape)) * (call["upper"] - call["lower"]) + call["lower"]
    noise.copy_(torch.where(x <= 0, torch.as_tensor(slopes, dtype=x.dtype), torch.ones_like(x)))
    return x * noise


def _rrelu_in_place(draws: Draws, call: Mapping[str, Any]) -> torch.Tensor:
    result: torch.Tensor = call["self"].copy_(_rrelu(draws, call))
    return result


def _dropout(draws: Draws, call: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    x, rate = call["input"], call["p"]
    if not call["train"]:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    kept = torch.as_tensor(draws.uniform(tuple(x.shape)) < 1 - rate)
    return x * kept / (1 - rate), kept


_WHOLE: Mapping[str, Callable[[Draws, Mapping[str, Any]], Any]] = {
    "rrelu_with_noise": _rrelu,
    "rrelu_with_noise_": _rrelu_in_place,
    "native_dropout": _dropout,
}
"""Operators that draw and compute in one."""
