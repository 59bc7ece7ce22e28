"""Attention of flash_attn. Its values are compared with PyTorch's by the examples of its rules."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from torch2jax.helpers.flash import FlashAttention, flash_attention


def test_the_last_query_sees_all_keys() -> None:
    query, key = jnp.zeros((1, 2, 1, 4)), jnp.zeros((1, 3, 1, 4))
    value = jnp.arange(3.0).reshape(1, 3, 1, 1) * jnp.ones((1, 3, 1, 4))
    np.testing.assert_allclose(flash_attention(query, key, value, causal=True)[0, :, 0, 0], [0.5, 1.0])


def test_a_query_before_all_keys_gets_zeros() -> None:
    ones = jnp.ones((1, 1, 1, 4))
    result = flash_attention(jnp.ones((1, 2, 1, 4)), ones, ones, causal=True)
    assert result[0, :, 0, 0].tolist() == [0, 1]


def test_dropout_while_it_is_trained() -> None:
    layer = FlashAttention(rate=0.5, rngs=nnx.Rngs(0))
    qkv = jnp.ones((2, 8, 3, 4, 5))
    assert not (layer(qkv)[0] == 1).all()
    layer.eval()
    np.testing.assert_allclose(layer(qkv)[0], jnp.ones((2, 8, 4, 5)), rtol=1e-6)
