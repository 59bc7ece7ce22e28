"""Graph attention network (Velickovic et al., 2018): dense masks instead of sparse message passing."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class AttentionHead(nnx.Module):
    """Average the neighbours of each node, weighted by learned scores."""

    def __init__(self, in_dim, out_dim, dropout, slope=0.2, activate=True, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.out_dim = out_dim
        self.dropout = dropout
        self.activate = activate  # ELU on hidden layers, nothing on the last one

        self.W = nnx.Param(jnp.empty((in_dim, out_dim)))
        self.a = nnx.Param(jnp.empty((2 * out_dim, 1)))
        for p in (self.W, self.a):
            p[...] = nnx.initializers.variance_scaling(
                1.9993959999999997, "fan_avg", "uniform", in_axis=1, out_axis=0
            )(rngs.params(), p.shape, p.dtype)
        self.leakyrelu = partial(leaky_relu, negative_slope=slope)

    def scores(self, h):
        # a^T [h_i, h_j] is the sum of two inner products: no (N, N, 2 * out_dim) tensor is needed
        source = h @ self.a[...][:self.out_dim, :]
        target = h @ self.a[...][self.out_dim:, :]
        return self.leakyrelu(source + target.T)

    def __call__(self, x, adj):
        h = x @ self.W[...]  # (N, out_dim)
        e = self.scores(h)
        e = jnp.where(adj > 0, e, -9e15 * jnp.ones_like(e))
        weights = nnx.Dropout(self.dropout)(
            nnx.softmax(e, axis=1), deterministic=self.deterministic, rngs=self.rngs
        )
        out = weights @ h
        return nnx.elu(out) if self.activate else out

    def __repr__(self):
        return self.__class__.__name__ + '(' + str(self.W.shape[0]) + ' -> ' + str(self.out_dim) + ')'


class GAT(nnx.Module):
    """Several heads side by side, then one that predicts. Returns log probabilities (N, nclass)."""

    def __init__(self, nfeat, nhid=8, nclass=7, dropout=0.6, slope=0.2, nheads=4, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.dropout = dropout

        # a plain list does not register its modules, hence add_module
        self.heads = nnx.List([
            AttentionHead(nfeat, nhid, dropout, slope, rngs=rngs) for _ in range(nheads)
        ])
        for i, head in enumerate(self.heads):
            setattr(self, 'head_{}'.format(i), head)
        self.last = AttentionHead(nhid * nheads, nclass, dropout, slope, activate=False, rngs=rngs)

    def __call__(self, x, adj):
        x = nnx.Dropout(self.dropout)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = jnp.concatenate([head(x, adj) for head in self.heads], axis=1)
        x = nnx.Dropout(self.dropout)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = nnx.elu(self.last(x, adj))
        return nnx.log_softmax(x, axis=1)


class BatchedGAT(nnx.Module):
    """All heads in one tensor, for a batch of graphs: x (B, N, F), adj (B, N, N) boolean."""

    def __init__(self, nfeat, nhid=8, nheads=3, slope=0.2, *, rngs: nnx.Rngs):
        self.nheads, self.nhid = nheads, nhid
        self.proj = nnx.Linear(
            nfeat, nheads * nhid, use_bias=False, **fan_in_uniform(nfeat), rngs=rngs
        )
        self.att_src = nnx.Param(jnp.zeros((1, 1, nheads, nhid), dtype=jnp.float32))
        self.att_dst = nnx.Param(jnp.zeros((1, 1, nheads, nhid), dtype=jnp.float32))
        self.bias = nnx.Param(jnp.zeros((nheads * nhid,)))
        self.slope = slope
        self.reset_parameters(rngs=rngs)

    def reset_parameters(self, *, rngs: nnx.Rngs):
        gain = math.sqrt(2 / (1 + self.slope**2))
        self.proj.kernel[...] = nnx.initializers.variance_scaling(gain**2, "fan_avg", "normal")(
            rngs.params(), self.proj.kernel.shape, self.proj.kernel.dtype
        )
        self.att_src[...] = nnx.initializers.variance_scaling(
            1.0, "fan_avg", "normal", in_axis=1, out_axis=0
        )(rngs.params(), self.att_src.shape, self.att_src.dtype)
        self.att_dst[...] = nnx.initializers.variance_scaling(
            1.0, "fan_avg", "normal", in_axis=1, out_axis=0
        )(rngs.params(), self.att_dst.shape, self.att_dst.dtype)

    def __call__(self, x, adj):
        B, N, _ = x.shape
        h = self.proj(x).reshape(B, N, self.nheads, self.nhid)
        src = (h * self.att_src[...]).sum(axis=-1).transpose(0, 2, 1)  # B, heads, N
        dst = (h * self.att_dst[...]).sum(axis=-1).transpose(0, 2, 1)
        scores = leaky_relu(src[..., None] + jnp.expand_dims(dst, -2), negative_slope=self.slope)
        # every node sees itself
        mask = ~(adj | jnp.eye(N, dtype=bool))[:, None]
        scores = jnp.where(mask, float('-inf'), scores)
        weights = nnx.softmax(scores)
        out = jnp.einsum('bhij,bjhf->bihf', weights, h).reshape(B, N, -1)
        return nnx.elu(out + self.bias[...]), weights


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


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)
