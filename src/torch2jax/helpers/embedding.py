"""Embeddings with a padding row, and bags of embeddings."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from torch2jax.helpers.state import Buffer


class PaddedEmbed(nnx.Embed):
    """Embedding whose row ``padding_idx`` starts at zero and gets no gradient from lookups."""

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        padding_idx: int | None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        normal = nnx.initializers.normal(1.0)
        super().__init__(num_embeddings, features, embedding_init=normal, param_dtype=param_dtype, rngs=rngs)
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if self.padding_idx is not None:
            self.embedding[...] = self.embedding[...].at[self.padding_idx].set(0)

    def __call__(self, inputs: jax.Array, out_sharding: Any = None) -> jax.Array:
        """Maps indices (...) to vectors (..., features)."""
        vectors = super().__call__(inputs, out_sharding)
        if self.padding_idx is None:
            return vectors
        return jnp.where((inputs == self.padding_idx)[..., None], lax.stop_gradient(vectors), vectors)


class FrozenEmbed(nnx.Module):
    """Lookup in a table (num_embeddings, features) that is saved with the model and not trained."""

    def __init__(self, embedding: jax.Array) -> None:
        self.embedding = Buffer(embedding)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Maps indices (...) to vectors (..., features)."""
        return self.embedding[...][inputs]


class EmbeddingBag(nnx.Module):
    """Sums, means or maxima of bags of embeddings."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        mode: str = "mean",
        padding_idx: int | None = None,
        include_last_offset: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        weight = jax.random.normal(rngs.params(), (num_embeddings, embedding_dim), param_dtype)
        if padding_idx is not None:
            padding_idx %= num_embeddings
            weight = weight.at[padding_idx].set(0)
        self.weight = nnx.Param(weight)
        self.mode = mode
        self.padding_idx = padding_idx
        self.include_last_offset = include_last_offset

    def __call__(
        self, inputs: jax.Array, offsets: jax.Array | None = None, per_sample_weights: jax.Array | None = None
    ) -> jax.Array:
        """Maps bags of indices (bags, length), or (total,) cut at ``offsets``, to (bags, embedding_dim)."""
        return embedding_bag(
            inputs,
            self.weight[...],
            offsets,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )


def embedding(inputs: jax.Array, weight: jax.Array, padding_idx: int | None = None) -> jax.Array:
    """Rows of ``weight`` at ``inputs``; the row ``padding_idx`` gets no gradient."""
    vectors = jnp.take(weight, inputs, axis=0)
    if padding_idx is None:
        return vectors
    padding = inputs == padding_idx % weight.shape[0]
    return jnp.where(padding[..., None], lax.stop_gradient(vectors), vectors)


def embedding_bag(
    inputs: jax.Array,
    weight: jax.Array,
    offsets: jax.Array | None = None,
    *,
    mode: str = "mean",
    per_sample_weights: jax.Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> jax.Array:
    """Reduces the rows of ``weight`` in each bag of indices by ``mode``: "sum", "mean" or "max".

    ``inputs`` has shape (bags, length), or (total,) with the start of each bag in ``offsets``. The index
    ``padding_idx`` counts for nothing, and an empty bag gives zeros.
    """
    if offsets is None:
        count, length = inputs.shape
        bags = jnp.repeat(jnp.arange(count), length)
    else:
        count = offsets.shape[0] - include_last_offset
        bags = jnp.searchsorted(offsets[:count], jnp.arange(inputs.shape[0]), side="right") - 1
    indices = inputs.reshape(-1)
    present = jnp.ones(indices.shape, bool)
    if padding_idx is not None:
        present = indices != padding_idx % weight.shape[0]
    vectors = weight[indices]
    sizes = jax.ops.segment_sum(present.astype(weight.dtype), bags, count)[:, None]
    if mode == "max":
        vectors = jnp.where(present[:, None], vectors, -jnp.inf)
        return jnp.where(sizes > 0, jax.ops.segment_max(vectors, bags, count), 0)
    if per_sample_weights is not None:
        vectors = vectors * per_sample_weights.reshape(-1, 1)
    total = jax.ops.segment_sum(jnp.where(present[:, None], vectors, 0), bags, count)
    return total / jnp.maximum(sizes, 1) if mode == "mean" else total


class TiedLinear(nnx.Module):
    """Scores (..., vocabulary) of features (..., size): inner products with the rows of an embedding, plus a bias.

    The kernel is the embedding's own Variable, of shape (vocabulary, size).
    """

    def __init__(self, embed: nnx.Embed, *, use_bias: bool = True, rngs: nnx.Rngs):
        self.kernel = embed.embedding
        bound = 1 / math.sqrt(embed.features)
        shape = (embed.num_embeddings,)
        self.bias = nnx.Param(rngs.uniform(shape, embed.param_dtype, -bound, bound)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Scores of features x."""
        scores = x @ self.kernel[...].T
        return scores if self.bias is None else scores + self.bias[...]
