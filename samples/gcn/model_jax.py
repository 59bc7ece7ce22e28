"""Graph convolutional network (Kipf & Welling, 2017) in plain PyTorch, with a dense adjacency matrix."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class GraphConv(nnx.Module):
    """Mix the features of neighbouring nodes: adj @ (x @ weight) + bias."""

    def __init__(self, in_features, out_features, bias=True, *, rngs: nnx.Rngs):
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nnx.Param(jnp.zeros((in_features, out_features), dtype=jnp.float32))
        if bias:
            self.bias = nnx.Param(jnp.zeros(out_features, dtype=jnp.float32))
        else:
            self.bias = None
        self.reset_parameters(rngs=rngs)

    def reset_parameters(self, *, rngs: nnx.Rngs):
        bound = 1. / math.sqrt(self.weight[...].shape[1])
        self.weight[...] = rngs.uniform(
            self.weight.shape, dtype=self.weight.dtype, minval=-bound, maxval=bound
        )
        if self.bias is not None:
            self.bias[...] = rngs.uniform(
                self.bias.shape, dtype=self.bias.dtype, minval=-bound, maxval=bound
            )

    def __call__(self, x, adj):
        out = adj @ (x @ self.weight[...])
        if self.bias is not None:
            out = out + self.bias[...]
        return out

    def __repr__(self):
        return '%s(%d, %d)' % (self.__class__.__name__, self.in_features, self.out_features)


class GCN(nnx.Module):
    """Two layers. Features (nodes, nfeat), adjacency (nodes, nodes) -> log probabilities (nodes, nclass)."""

    def __init__(self, nfeat, nhid=16, nclass=7, dropout=0.5, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.gc1 = GraphConv(nfeat, nhid, rngs=rngs)
        self.gc2 = GraphConv(nhid, nclass, rngs=rngs)
        self.dropout = dropout

    def __call__(self, x, adj):
        x = nnx.relu(self.gc1(x, adj))
        x = nnx.Dropout(self.dropout)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = self.gc2(x, adj)
        return nnx.log_softmax(x, axis=1)


class DeepGCN(nnx.Module):
    """Any number of layers, with residual connections, and the adjacency normalised on the fly."""

    def __init__(self, nfeat, nhid=16, nclass=7, nlayers=3, dropout=0.5, *, rngs: nnx.Rngs):
        self.input = nnx.Linear(nfeat, nhid, **fan_in_uniform(nfeat), rngs=rngs)
        self.nlayers = nlayers
        for i in range(nlayers):
            setattr(self, 'conv_{}'.format(i), GraphConv(nhid, nhid, bias=False, rngs=rngs))
        self.output = nnx.Linear(nhid, nclass, **fan_in_uniform(nhid), rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, x, adj):
        adj = normalize(adj + jnp.eye(adj.shape[0]))
        x = self.input(x)
        for i in range(self.nlayers):
            conv = getattr(self, 'conv_{}'.format(i))
            x = x + self.dropout(nnx.relu(conv(x, adj)))
        # one vector for the whole graph
        return self.output(x.mean(axis=0, keepdims=True))


def normalize(adj):
    """D^-1/2 A D^-1/2; nodes without an edge keep zeros."""
    degree = adj.sum(axis=1)
    inv_sqrt = degree**-0.5
    inv_sqrt = jnp.where(jnp.isinf(inv_sqrt), jnp.asarray(0., inv_sqrt.dtype), inv_sqrt)
    return inv_sqrt[:, None] * adj * inv_sqrt[None]


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
