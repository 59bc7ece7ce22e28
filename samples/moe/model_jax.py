"""Mixture of experts: a gate sends each token to a few of many small networks."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Expert(nnx.Module):
    def __init__(self, d_model, d_hidden, dropout=0.0, *, rngs: nnx.Rngs):
        self.net = nnx.Sequential(
            nnx.Linear(d_model, d_hidden, **fan_in_uniform(d_model), rngs=rngs),
            partial(nnx.gelu, approximate=False),
            nnx.Linear(d_hidden, d_model, **fan_in_uniform(d_hidden), rngs=rngs),
            nnx.Dropout(dropout, rngs=rngs),
        )

    def __call__(self, x):
        return self.net(x)


class NoisyTopKGate(nnx.Module):
    """Scores of the experts; while training, learned noise makes the choice explore.

    Returns gates (tokens, experts), zero outside the top k, the chosen indices (tokens, k) and the
    probabilities of all experts.
    """

    def __init__(self, d_model, num_experts, top_k, noise=1.0, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.top_k = top_k
        self.noise = noise
        self.score = nnx.Linear(d_model, num_experts, use_bias=False, **fan_in_uniform(d_model), rngs=rngs)
        self.noise_scale = nnx.Linear(d_model, num_experts, use_bias=False, **fan_in_uniform(d_model), rngs=rngs)

    def __call__(self, x):
        logits = self.score(x)
        if not self.deterministic and self.noise > 0:
            std = nnx.softplus(self.noise_scale(x))
            logits = logits + self.noise * std * self.rngs.normal(logits.shape, dtype=logits.dtype)

        top_k_logits, indices = lax.top_k(logits, self.top_k)
        blank = jnp.full_like(logits, float("-inf"))
        sparse_logits = scatter(blank, -1, indices, top_k_logits)
        return nnx.softmax(sparse_logits), indices, nnx.softmax(logits)


def load_balancing_loss(probs, indices, num_experts):
    """num_experts * sum(share of the tokens * mean probability): smallest, 1, when all are used alike."""
    one_hot = nnx.one_hot(indices, num_experts, dtype=jnp.int32).astype(probs.dtype)  # tokens, k, experts
    share = one_hot.sum(axis=1).mean(axis=0) / indices.shape[1]
    return num_experts * (share * probs.mean(axis=0)).sum()


class MoE(nnx.Module):
    """Every expert sees every token and the gates do the rest: simple, static shapes.

    x (B, T, d_model) -> the same shape, and the auxiliary loss.
    """

    def __init__(
        self,
        d_model=16,
        d_hidden=32,
        num_experts=4,
        top_k=2,
        noise=1.0,
        dropout=0.1,
        aux_weight=0.01,
        *,
        rngs: nnx.Rngs,
    ):
        self.num_experts = num_experts
        self.aux_weight = aux_weight
        self.gate = NoisyTopKGate(d_model, num_experts, top_k, noise, rngs=rngs)
        self.experts = nnx.List([Expert(d_model, d_hidden, dropout, rngs=rngs) for _ in range(num_experts)])

    def __call__(self, x):
        B, T, C = x.shape
        flat = x.reshape(-1, C)
        gates, indices, probs = self.gate(flat)

        outputs = jnp.stack([expert(flat) for expert in self.experts], axis=1)  # tokens, experts, C
        y = jnp.einsum("ne,nec->nc", gates, outputs)

        aux_loss = self.aux_weight * load_balancing_loss(probs, indices, self.num_experts)
        return y.reshape(B, T, C), aux_loss


class SparseMoE(MoE):
    """The same result, but each expert computes its own tokens only (shapes depend on the data)."""

    def __call__(self, x):
        flat = x.reshape(-1, x.shape[-1])
        gates, indices, probs = self.gate(flat)
        final_output = jnp.zeros_like(flat)

        for i, expert in enumerate(self.experts):
            # tokens that have expert i among their choices
            selected = (indices == i).any(axis=-1)
            if selected.any():
                expert_output = expert(flat[selected])
                final_output = final_output.at[selected].set(
                    final_output[selected] + (expert_output * gates[selected, i][:, None])
                )

        aux_loss = self.aux_weight * load_balancing_loss(probs, indices, self.num_experts)
        return final_output.reshape(x.shape), aux_loss


class MoEClassifier(nnx.Module):
    """Two residual MoE layers over a sequence; the auxiliary losses add up."""

    def __init__(
        self, vocab_size=30, num_classes=5, d_model=16, depth=2, sparse=False, *, rngs: nnx.Rngs, **moe_kwargs
    ):
        moe_cls = SparseMoE if sparse else MoE
        self.embed = nnx.Embed(vocab_size, d_model, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.norms = nnx.List([
            nnx.LayerNorm(d_model, epsilon=1e-5, use_fast_variance=False, rngs=rngs) for _ in range(depth)
        ])
        self.layers = nnx.List([moe_cls(d_model, 2 * d_model, **moe_kwargs, rngs=rngs) for _ in range(depth)])
        self.head = nnx.Linear(d_model, num_classes, **fan_in_uniform(d_model), rngs=rngs)

    def __call__(self, tokens):
        x = self.embed(tokens)
        total_aux = jnp.zeros((), dtype=x.dtype)
        for norm, moe in zip(self.norms, self.layers):
            out, aux = moe(norm(x))
            x = x + out
            total_aux = total_aux + aux
        return self.head(x.mean(axis=1)), total_aux


# Helpers without a Flax equivalent.


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def positions(index: jax.Array, axis: int) -> tuple[jax.Array, ...]:
    """Index of every element of `index` in an array: its own place, but along `axis` the place that it names."""
    places = list(jnp.indices(index.shape, sparse=True))
    places[axis] = index
    return tuple(places)


def source_window(src: jax.Array | float, index: jax.Array) -> jax.Array | float:
    """The part of `src` that belongs to `index`, which may be smaller."""
    return src[tuple(slice(size) for size in index.shape)] if isinstance(src, jax.Array) and src.ndim else src


def scatter(x: jax.Array, axis: int, index: jax.Array, src: jax.Array | float) -> jax.Array:
    """`x` with the values of `src` written at `index` along `axis`."""
    if x.ndim == 0:
        return scatter(x[None], 0, index.ravel(), jnp.ravel(src))[0]
    return x.at[positions(index, axis)].set(source_window(src, index))
