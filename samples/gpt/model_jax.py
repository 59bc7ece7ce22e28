"""
A small GPT: a decoder-only transformer, one config object for everything.

Each block normalises before it computes (pre-norm), attention is hidden from the future by a
triangular mask kept in a buffer, and the output layer uses the matrix of the token embedding.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any, Optional

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax


@dataclass
class GPTConfig:
    block_size: int = 32  # longest context
    vocab_size: int = 65
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 32
    dropout: float = 0.1
    bias: bool = True  # in the Linears and the LayerNorms


class LayerNorm(nnx.Module):
    """nn.LayerNorm in which the bias may be left out."""

    def __init__(self, size, bias=True, *, rngs: nnx.Rngs):
        self.weight = nnx.Param(jnp.ones((size,)))
        self.bias = nnx.Param(jnp.zeros((size,))) if bias else None

    def __call__(self, x):
        return layer_norm(
            x, self.weight.shape, self.weight[...], None if self.bias is None else self.bias[...]
        )


class GELU(nnx.Module):
    """GPT-2's approximation by tanh."""

    def __call__(self, x):
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3.0)
        return 0.5 * x * (1.0 + jnp.tanh(inner))


class CausalSelfAttention(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        assert config.n_embd % config.n_head == 0, "the heads must divide the width"
        self.n_head = config.n_head
        # one matrix for queries, keys and values of all heads
        self.qkv = nnx.Linear(
            config.n_embd,
            3 * config.n_embd,
            use_bias=config.bias,
            **fan_in_uniform(config.n_embd),
            rngs=rngs,
        )
        self.c_proj = nnx.Linear(
            config.n_embd,
            config.n_embd,
            use_bias=config.bias,
            **fan_in_uniform(config.n_embd),
            rngs=rngs,
        )
        self.attn_drop = nnx.Dropout(config.dropout, rngs=rngs)
        self.resid_drop = nnx.Dropout(config.dropout, rngs=rngs)
        size = config.block_size
        self.mask = Buffer(jnp.tril(jnp.ones((size, size))).reshape(1, 1, size, size))

    def __call__(self, x):
        B, T, C = x.shape
        hs = C // self.n_head

        q, k, v = split(self.qkv(x), C, axis=2)
        q = q.reshape(B, T, self.n_head, hs).swapaxes(1, 2)  # (B, heads, T, hs)
        k = k.reshape(B, T, self.n_head, hs).swapaxes(1, 2)
        v = v.reshape(B, T, self.n_head, hs).swapaxes(1, 2)

        att = (q @ k.swapaxes(-2, -1)) * (1.0 / math.sqrt(k.shape[-1]))  # (B, heads, T, T)
        att = jnp.where(self.mask[...][:, :, :T, :T] == 0, float("-inf"), att)
        att = self.attn_drop(nnx.softmax(att))

        y = att @ v
        y = y.swapaxes(1, 2).reshape(B, T, C)  # heads side by side again
        return self.resid_drop(self.c_proj(y))


class Block(nnx.Module):
    """Attention, then an MLP, each added to the stream."""

    def __init__(self, config, *, rngs: nnx.Rngs):
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias, rngs=rngs)
        self.attn = CausalSelfAttention(config, rngs=rngs)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias, rngs=rngs)
        self.mlp = nnx.Dict(dict(
            c_fc=nnx.Linear(
                config.n_embd,
                4 * config.n_embd,
                use_bias=config.bias,
                **fan_in_uniform(config.n_embd),
                rngs=rngs,
            ),
            act=GELU(),
            c_proj=nnx.Linear(
                4 * config.n_embd,
                config.n_embd,
                use_bias=config.bias,
                **fan_in_uniform(4 * config.n_embd),
                rngs=rngs,
            ),
            dropout=nnx.Dropout(config.dropout, rngs=rngs),
        ))

    def mlp_forward(self, x):
        return self.mlp.dropout(self.mlp.c_proj(self.mlp.act(self.mlp.c_fc(x))))

    def __call__(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp_forward(self.ln_2(x))
        return x


class GPT(nnx.Module):
    """Ids (B, T) -> logits and, with targets, the loss.

    Without targets only the last position is scored: logits are (B, 1, vocab_size), the loss is None.
    """

    def __init__(self, config: GPTConfig, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        assert config.vocab_size is not None and config.block_size is not None
        self.config = config

        self.transformer = nnx.Dict(dict(
            wte=nnx.Embed(
                config.vocab_size, config.n_embd, embedding_init=nnx.initializers.normal(1.0), rngs=rngs
            ),
            wpe=nnx.Embed(
                config.block_size, config.n_embd, embedding_init=nnx.initializers.normal(1.0), rngs=rngs
            ),
            drop=nnx.Dropout(config.dropout, rngs=rngs),
            h=nnx.List([Block(config, rngs=rngs) for _ in range(config.n_layer)]),
            ln_f=LayerNorm(config.n_embd, bias=config.bias, rngs=rngs),
        ))
        # tied

        for _, module in nnx.iter_modules(self):
            self._init_weights(module, rngs=rngs)
        # the branches add up over the depth: start them smaller
        for name, p in named_parameters(self):
            if name.endswith("c_proj.weight"):
                p[...] = nnx.initializers.normal(0.02 / math.sqrt(2 * config.n_layer))(
                    rngs.params(), p.shape, p.dtype
                )

    def _init_weights(self, module, *, rngs: nnx.Rngs):
        if isinstance(module, nnx.Linear):
            module.kernel[...] = nnx.initializers.normal(0.02)(
                rngs.params(), module.kernel.shape, module.kernel.dtype
            )
            if module.bias is not None:
                module.bias[...] = jnp.zeros_like(module.bias)
        elif isinstance(module, nnx.Embed):
            module.embedding[...] = nnx.initializers.normal(0.02)(
                rngs.params(), module.embedding.shape, module.embedding.dtype
            )

    def num_params(self, with_positions: bool = False) -> int:
        n = sum(p.size for p in parameters(self))
        if not with_positions:
            n -= self.transformer.wpe.embedding.size
        return n

    def __call__(self, idx, targets: Optional[jax.Array] = None):
        device = jax.devices()[0]
        b, t = idx.shape
        if t > self.config.block_size:
            raise ValueError(f"{t} tokens do not fit into a context of {self.config.block_size}")
        pos = jnp.arange(0, t, dtype=jnp.int32)

        tok_emb = self.transformer.wte(idx)  # (b, t, n_embd)
        pos_emb = self.transformer.wpe(pos)  # (t, n_embd)
        x = self.transformer.drop(tok_emb + pos_emb)
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)

        if targets is None:
            # a list as the index keeps the axis of time
            return self.transformer.wte.attend(x[:, jnp.array([-1]), :]), None
        logits = self.transformer.wte.attend(x)
        loss = softmax_cross_entropy(
            logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1
        )
        return logits, loss

    def generate(self, idx, max_new_tokens, temperature=1.0, do_sample=False, top_k=None):
        """Append `max_new_tokens` ids to each row of idx (B, T), one at a time.

        With `do_sample` they are drawn, from the `top_k` most likely where that is given;
        otherwise the most likely one is taken.
        """
        for _ in range(max_new_tokens):
            # no more context than the model has positions for
            context = (
                idx if idx.shape[1] <= self.config.block_size else idx[:, -self.config.block_size:]
            )
            logits, _ = self(context)
            logits = logits[:, -1, :] / temperature
            if top_k is not None:
                v, _ = lax.top_k(logits, min(top_k, logits.shape[-1]))
                logits = masked_set(logits, logits < v[:, jnp.array([-1])], -float("Inf"))
            probs = nnx.softmax(logits)
            if do_sample:
                new = self.rngs.categorical(jnp.log(probs))[..., None]
            else:
                _, new = lax.top_k(probs, 1)
            idx = jnp.concatenate((idx, new), axis=1)
        return lax.stop_gradient(idx)


def gpt_nano(*, rngs: nnx.Rngs, **overrides):
    """Two layers, for tests; keyword arguments are fields of the config."""
    return GPT(GPTConfig(**overrides), rngs=rngs)


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


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


def scale_and_shift(x: jax.Array, scale: jax.Array | None = None, bias: jax.Array | None = None) -> jax.Array:
    """The affine map x * scale + bias, each where it is given."""
    if scale is not None:
        x = x * scale
    return x if bias is None else x + bias


def standardize(x: jax.Array, axes: Iterable[int], epsilon: float) -> jax.Array:
    """(x - mean) / sqrt(variance + epsilon) with statistics over ``axes``, computed in float32 at least."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    centred = wide - wide.mean(tuple(axes), keepdims=True)
    variance = jnp.square(centred).mean(tuple(axes), keepdims=True)
    return (centred * lax.rsqrt(variance + epsilon)).astype(x.dtype)


def layer_norm(
    x: jax.Array,
    shape: Sequence[int],
    scale: jax.Array | None = None,
    bias: jax.Array | None = None,
    epsilon: float = 1e-5,
) -> jax.Array:
    """Normalisation over the last axes, whose sizes are ``shape`` (https://arxiv.org/abs/1607.06450)."""
    return scale_and_shift(standardize(x, range(-len(shape), 0), epsilon), scale, bias)


def masked_set(x: jax.Array, mask: jax.Array, value: jax.Array | float) -> jax.Array:
    """`x` with `value` where `mask`, which covers the first axes of `x`, is true.

    A value that is the same at every place compiles; one for each place of the mask needs to know how many there are.
    """
    value, inner = jnp.asarray(value, x.dtype), x.ndim - mask.ndim
    while value.ndim > inner and value.shape[0] == 1:
        value = value[0]
    if value.ndim > inner:
        return x.at[mask].set(value)
    return jnp.where(jnp.expand_dims(mask, range(mask.ndim, x.ndim)), value, x)


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def _is_transposition(layer: object) -> bool:
    """Whether a layer changes the order of axes, and PyTorch has none there."""
    return isinstance(layer, partial) and layer.func is jnp.transpose


def torch_name(owner: object, name: object) -> str:
    """What PyTorch calls an attribute; nothing for the list in an `nnx.Sequential`, which may hold transpositions."""
    if isinstance(owner, nnx.List) and str(name).isdecimal():
        return str(int(str(name)) - sum(map(_is_transposition, owner[: int(str(name))])))
    match owner:
        case nnx.Module() if name in ("mean", "var") and isinstance(getattr(owner, str(name)), nnx.BatchStat):
            return f"running_{name}"
        case nnx.Linear() | nnx.LinearGeneral() | nnx.Conv() | nnx.ConvTranspose() | nnx.Embed():
            return "weight" if name in ("kernel", "embedding") else str(name)
        case nnx.BatchNorm() | nnx.LayerNorm() | nnx.GroupNorm() | nnx.RMSNorm() | nnx.InstanceNorm():
            return "weight" if name == "scale" else str(name)
        case nnx.PReLU():
            return "weight" if name == "negative_slope" else str(name)
        case nnx.Sequential():
            return "" if name == "layers" else str(name)
    names: dict[object, str] = getattr(type(owner), "torch_names", {})
    return names.get(name, str(name))


def _named(module: nnx.Module) -> Iterator[tuple[str, Any]]:
    """What is in a module, and the module itself, with dotted names."""
    nodes = dict(nnx.iter_graph(module))
    for path, node in nodes.items():
        names = [torch_name(nodes.get(path[:at]), part) for at, part in enumerate(path)]
        yield ".".join(name for name in names if name), node


def named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names; kernels, scales and embeddings are called `weight`."""
    return [(name, node) for name, node in _named(module) if isinstance(node, nnx.Param | Frozen)]


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def softmax_cross_entropy(
    logits: jax.Array, target: jax.Array, ignore_index: int = -100, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count.
    """
    axis = min(logits.ndim - 1, 1)
    if jnp.issubdtype(target.dtype, jnp.floating):
        return reduce_loss(optax.softmax_cross_entropy(logits, target, axis), reduction)
    kept = target != ignore_index
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(kept, target, 0), axis)
    return loss.mean(where=kept) if reduction == "mean" else reduce_loss(jnp.where(kept, loss, 0), reduction)


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))


def split(x: jax.Array, size: int | Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Parts of `size` along `axis`, of which the last may be smaller, or parts of the listed sizes."""
    points = split_points(size) if isinstance(size, Sequence) else list(range(size, x.shape[axis], size))
    return jnp.split(x, points, axis)
