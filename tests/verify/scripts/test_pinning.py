"""Gradients that are nothing but rounding."""

import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn

from torch2jax.verify.scripts.pinning import pin_torch, unmoved, zeroed
from torch2jax.verify.scripts.recording import Recording, Root


def recording(**last: float) -> Recording:
    first = {name: np.zeros(2) for name in last}
    arrays = {name: np.full(2, value) for name, value in last.items()}
    return Recording(roots=[Root(0, "Net", True, None, tuple(last), ("mean",), first=first, last=arrays)])


def test_parameters_that_only_rounding_moves_are_found() -> None:
    expected = recording(weight=1.0, bias=1e-8, still=0.0, mean=1e-8)
    moved = [recording(weight=1.0 + 1e-15, bias=-1e-8, still=0.0, mean=-1e-8)]
    assert unmoved(expected, moved, 32.0) == ((0, "Net", "bias"),)


def test_gradients_of_pinned_parameters_are_zero_in_torch() -> None:
    model = nn.Linear(2, 1)
    pin_torch(model, ["bias"])
    model(torch.ones(1, 2)).sum().backward()
    assert model.bias.grad is not None
    assert model.weight.grad is not None
    assert not model.bias.grad.any()
    assert model.weight.grad.all()


def test_gradients_of_pinned_parameters_are_zero_in_flax() -> None:
    model = nnx.Sequential(nnx.Linear(2, 1, rngs=nnx.Rngs(0)), nnx.Linear(1, 1, rngs=nnx.Rngs(0)))
    gradients = nnx.grad(lambda model: model(jnp.ones((1, 2))).sum() ** 2)(model)
    found = {".".join(map(str, path)): leaf for path, leaf in nnx.to_flat_state(zeroed(gradients, ["layers.0.bias"]))}
    assert not found["layers.0.bias"].any()
    assert found["layers.1.bias"].all()
    assert found["layers.0.kernel"].any()
