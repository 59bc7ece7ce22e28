"""PyTorch's own list of optimizers and their settings, `optim_db`: the same parameters after each of 50 steps."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("flax")
pytest.importorskip("expecttest")  # which PyTorch's test tools import

import torch
from torch.testing._internal.common_optimizers import OptimizerInput, optim_db

from torch2jax.rules.model import Example
from torch2jax.verify.examples import Status, run_example

NOT_TRANSLATED = {
    "Adafactor": "which axes of an array are the last two",
    "Muon": "which axis of a matrix is which",
    "SparseAdam": "gradients are dense in JAX",
}
SHORT = 2  # settings of each optimizer that every run tries


def settings() -> Iterator[Any]:
    for info in optim_db:
        for number, given in enumerate(info.optim_inputs_func(device="cpu")):
            name = info.optim_cls.__name__
            marks = [pytest.mark.full] if number >= SHORT else []
            yield pytest.param(name, given, id=f"{name}-{number}", marks=marks)


def test_every_optimizer_is_there() -> None:
    classes = [value for value in vars(torch.optim).values() if isinstance(value, type)]
    optimizers = {cls.__name__ for cls in classes if issubclass(cls, torch.optim.Optimizer)} - {"Optimizer"}
    assert optimizers == {info.optim_cls.__name__ for info in optim_db}


@pytest.mark.parametrize(("name", "given"), list(settings()))
def test_the_translation_takes_the_same_steps(name: str, given: OptimizerInput) -> None:
    options = "".join(f", {key}={spelled(value)}" for key, value in given.kwargs.items())
    result = run_example(Example(f"torch.optim.{name}(model.parameters(){options})", "", 1), "optim_db:1")
    if name in NOT_TRANSLATED:
        assert result.status is Status.REFUSED
        assert NOT_TRANSLATED[name] in result.detail
    else:
        assert (result.status, result.detail) == (Status.AGREES, "")


def spelled(value: Any) -> str:
    """A setting as source; rates may be tensors."""
    return f"torch.tensor({value.item():.6g})" if isinstance(value, torch.Tensor) else repr(value)
