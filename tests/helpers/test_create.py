"""Legacy constructors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import create


def test_legacy_tensor_takes_data_or_a_size() -> None:
    assert create.legacy_tensor([1, 2], jnp.float32).tolist() == torch.FloatTensor([1, 2]).tolist()
    assert create.legacy_tensor(3, jnp.int32).shape == tuple(torch.IntTensor(3).shape)


@pytest.mark.parametrize("args", [(), (3,), (2, 3), ([1.5, 2],)])
def test_legacy_tensor_of_arguments_of_any_number(args: tuple[object, ...]) -> None:
    expected = torch.FloatTensor(*args)
    found = create.legacy_tensor_of(*args, dtype=jnp.float32)
    assert found.shape == tuple(expected.shape)
    assert args != ([1.5, 2],) or found.tolist() == expected.tolist()


def test_legacy_tensor_refuses_tuples() -> None:
    with pytest.raises(TypeError, match="data or a shape"):
        create.legacy_tensor((2, 3), jnp.float32)


def test_is_array() -> None:
    assert create.is_array(jnp.zeros(2))
    assert not create.is_array(np.zeros(2))
    assert not create.is_array(1.0)


@pytest.mark.parametrize("target", [jnp.int32, np.dtype("int32"), jnp.zeros(2, jnp.int32), int])
def test_to_a_dtype_or_the_dtype_of_an_array(target: object) -> None:
    assert jnp.issubdtype(create.to(jnp.ones(3), target).dtype, jnp.integer)


@pytest.mark.parametrize("target", ["cuda:0", 0, None])
def test_to_a_device_is_the_array_itself(target: object) -> None:
    x = jnp.ones(3)
    assert create.to(x, target) is x
    assert create.to(x, jax.devices()[0]) is x
