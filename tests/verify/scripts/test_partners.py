"""Which model of the original each model of the translation stands for."""

import numpy as np
import pytest
import torch
from flax import nnx
from torch import nn

from torch2jax.verify.scripts.partners import Partners, WeightsError
from torch2jax.verify.scripts.recording import Root
from torch2jax.verify.scripts.torch_side import state_of


class Net(nnx.Module):
    def __init__(self, size: int) -> None:
        self.fc = nnx.Linear(size, 2, rngs=nnx.Rngs(0))


class TorchNet(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.fc = nn.Linear(size, 2)


def root(model: nn.Module, number: int, kind: str = "") -> Root:
    state = state_of(model)
    buffers = tuple(name for name, _ in model.named_buffers())
    return Root(number, kind or type(model).__name__, bool(kind), None, tuple(state), buffers, state)


def test_models_of_a_class_are_matched_in_order() -> None:
    roots = [root(TorchNet(3), 0, "Net"), root(TorchNet(3), 1, "Net")]
    partners, twins = Partners(roots), [Net(3), Net(3)]
    assert [partners.load(twin) for twin in twins] == roots
    for twin, given in zip(twins, roots, strict=True):
        np.testing.assert_array_equal(twin.fc.kernel[...].T, given.first["fc.weight"])
    assert partners.missing == []


def test_layers_are_matched_with_the_first_that_fits() -> None:
    roots = [root(nn.Linear(4, 2), 0), root(nn.Conv2d(1, 2, 3), 1), root(nn.Linear(3, 2), 2)]
    partners = Partners(roots)
    assert partners.load(nnx.Linear(3, 2, rngs=nnx.Rngs(0))) is roots[2]
    assert partners.load(nnx.Conv(1, 2, (3, 3), rngs=nnx.Rngs(0))) is roots[1]
    assert partners.load(nnx.Linear(7, 2, rngs=nnx.Rngs(0))) is None
    assert partners.missing == [roots[0]]


def test_weights_that_do_not_fit_are_named() -> None:
    with pytest.raises(WeightsError, match=r"the weights of Net do not fit its translation: .*fc\.weight"):
        Partners([root(TorchNet(3), 0, "Net")]).load(Net(4))


def test_a_loss_with_weights_needs_no_counterpart() -> None:
    assert Partners([root(nn.CrossEntropyLoss(weight=torch.ones(2)), 0)]).missing == []
