"""Attention with given parameters against torch: masks, keys that are added, one example alone."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers.attention_forward import multi_head_attention_forward

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]
PADDING = np.array([[False, False, True, False, True], [False, False, False, True, False]])
CAUSAL = np.triu(np.ones((3, 5), bool), 2)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("added", [True, False])
@pytest.mark.parametrize("batched", [True, False])
def test_attention(weights: bool, masked: bool, added: bool, batched: bool, agree: Agree, normal: Normal) -> None:
    batch = (2,) if batched else ()
    masks = {"key_padding_mask": PADDING if batched else PADDING[0], "attn_mask": CAUSAL} if masked else {}
    given = (normal(3, *batch, 6), normal(5, *batch, 6), normal(5, *batch, 6), normal(18, 6), normal(6, 6))
    rows = (normal(1, 1, 6), normal(1, 1, 6)) if added else ()

    def theirs(q, k, v, w, o, *rows):  # type: ignore[no-untyped-def]
        y, found = F.multi_head_attention_forward(
            q, k, v, 6, 2, w, None, *(rows or (None, None)), added, 0.5, o, None, training=False, need_weights=weights,
            **{name: torch.tensor(mask) for name, mask in masks.items()},
        )  # fmt: skip
        return (y, found) if weights else y

    def ours(q, k, v, w, o, *rows):  # type: ignore[no-untyped-def]
        bias_k, bias_v = rows or (None, None)
        y, found = multi_head_attention_forward(
            q, k, v, 2, w, None, o, None, bias_k=bias_k, bias_v=bias_v, add_zero_attn=added, need_weights=weights,
            **{name: jnp.asarray(mask) for name, mask in masks.items()},
        )  # fmt: skip
        return (y, found) if weights else y

    agree(theirs, ours, *given, *rows)


@pytest.mark.parametrize("weights", [True, False])
def test_dropout_needs_random_numbers(weights: bool, normal: Normal) -> None:
    x, w, o = (jnp.asarray(normal(*shape)) for shape in ((3, 2, 6), (18, 6), (6, 6)))
    options = {"need_weights": weights, "average_attn_weights": False, "dropout_p": 0.5}
    y, found = multi_head_attention_forward(x, x, x, 2, w, None, o, None, **options, rngs=nnx.Rngs(0))
    assert y.shape == x.shape
    assert found is None or bool((found == 0).any())
