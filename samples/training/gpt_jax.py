"""A small GPT trained on sums of digits: decay groups, gradient accumulation, warm-up and cosine decay by hand."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
from flax import nnx

# optimization
batch_size = 6
gradient_accumulation_steps = 2
max_iters = 50
learning_rate = 1e-2
min_lr = 1e-3
warmup_iters = 5
lr_decay_iters = 50
weight_decay = 1e-1
beta1, beta2 = 0.9, 0.95
grad_clip = 1.0
eval_interval = 25
eval_iters = 4


@dataclass
class GPTConfig:
    block_size: int = 16
    vocab_size: int = 11
    n_layer: int = 2
    n_head: int = 2
    n_embd: int = 16
    dropout: float = 0.1
    bias: bool = True


class CausalSelfAttention(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        assert config.n_embd % config.n_head == 0
        self.c_attn = nnx.Linear(
            config.n_embd, 3 * config.n_embd, use_bias=config.bias, **fan_in_uniform(config.n_embd), rngs=rngs
        )
        self.c_proj = nnx.Linear(
            config.n_embd, config.n_embd, use_bias=config.bias, **fan_in_uniform(config.n_embd), rngs=rngs
        )
        self.attn_dropout = nnx.Dropout(config.dropout, rngs=rngs)
        self.resid_dropout = nnx.Dropout(config.dropout, rngs=rngs)
        self.n_head = config.n_head
        self.n_embd = config.n_embd
        mask = jnp.tril(jnp.ones((config.block_size, config.block_size)))
        self.mask = Buffer(mask.reshape(1, 1, config.block_size, config.block_size))

    def __call__(self, x):
        B, T, C = x.shape
        q, k, v = _split(self.c_attn(x), self.n_embd, axis=2)
        k = k.reshape(B, T, self.n_head, C // self.n_head).swapaxes(1, 2)
        q = q.reshape(B, T, self.n_head, C // self.n_head).swapaxes(1, 2)
        v = v.reshape(B, T, self.n_head, C // self.n_head).swapaxes(1, 2)
        att = (q @ k.swapaxes(-2, -1)) * (1.0 / math.sqrt(k.shape[-1]))
        att = jnp.where(self.mask[...][:, :, :T, :T] == 0, float("-inf"), att)
        att = nnx.softmax(att)
        att = self.attn_dropout(att)
        y = att @ v
        y = y.swapaxes(1, 2).reshape(B, T, C)
        return self.resid_dropout(self.c_proj(y))


class MLP(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        self.c_fc = nnx.Linear(
            config.n_embd, 4 * config.n_embd, use_bias=config.bias, **fan_in_uniform(config.n_embd), rngs=rngs
        )
        self.gelu = partial(nnx.gelu, approximate=False)
        self.c_proj = nnx.Linear(
            4 * config.n_embd, config.n_embd, use_bias=config.bias, **fan_in_uniform(4 * config.n_embd), rngs=rngs
        )
        self.dropout = nnx.Dropout(config.dropout, rngs=rngs)

    def __call__(self, x):
        return self.dropout(self.c_proj(self.gelu(self.c_fc(x))))


class Block(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        self.ln_1 = nnx.LayerNorm(config.n_embd, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.attn = CausalSelfAttention(config, rngs=rngs)
        self.ln_2 = nnx.LayerNorm(config.n_embd, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.mlp = MLP(config, rngs=rngs)

    def __call__(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x


class GPT(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        self.config = config
        self.transformer = nnx.Dict(
            dict(
                wte=nnx.Embed(
                    config.vocab_size, config.n_embd, embedding_init=nnx.initializers.normal(1.0), rngs=rngs
                ),
                wpe=nnx.Embed(
                    config.block_size, config.n_embd, embedding_init=nnx.initializers.normal(1.0), rngs=rngs
                ),
                drop=nnx.Dropout(config.dropout, rngs=rngs),
                h=nnx.List([Block(config, rngs=rngs) for _ in range(config.n_layer)]),
                ln_f=nnx.LayerNorm(config.n_embd, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
            )
        )
        self.lm_head = nnx.Linear(
            config.n_embd, config.vocab_size, use_bias=False, **fan_in_uniform(config.n_embd), rngs=rngs
        )
        for _, module in nnx.iter_modules(self):
            self._init_weights(module, rngs=rngs)
        # report number of parameters
        print("number of parameters: %d" % (self.get_num_params(),))

    def get_num_params(self):
        return sum(p.size for p in parameters(self))

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

    def __call__(self, idx, targets=None):
        b, t = idx.shape
        assert t <= self.config.block_size, f"Cannot forward sequence of length {t}"
        pos = jnp.arange(0, t, dtype=jnp.int32)
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        if targets is not None:
            logits = self.lm_head(x)
            value = logits.reshape(-1, logits.shape[-1])
            target = targets.reshape(-1)
            loss = optax.softmax_cross_entropy_with_integer_labels(value, target).mean(where=target != -1)
        else:
            logits = self.lm_head(x[:, jnp.array([-1]), :])
            loss = None
        return logits, loss

    def configure_optimizers(self, weight_decay, learning_rate, betas):
        # start with all of the candidate parameters
        param_dict = {pn: p for pn, p in ordered_named_parameters(self)}
        param_dict = {pn: p for pn, p in param_dict.items() if isinstance(p, nnx.Param)}
        # any parameter that is 2D will be weight decayed, otherwise no
        decay_params = [p for n, p in param_dict.items() if p.ndim >= 2]
        nodecay_params = [p for n, p in param_dict.items() if p.ndim < 2]
        optim_groups = [
            {"params": decay_params, "weight_decay": weight_decay},
            {"params": nodecay_params, "weight_decay": 0.0},
        ]
        # TODO(torch2jax): T2J103 torch.optim.AdamW: it can't be told whose parameters `optim_groups` are
        return torch.optim.AdamW(optim_groups, lr=learning_rate, betas=betas)


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


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    groups = (
        [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
        if hasattr(state, "inner_states")
        else [state]
    )
    return [group.hyperparams for group in groups]


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def _dotted(path: tuple[object, ...]) -> str:
    names = [str(part) for part in path if part != "layers"]
    if names and names[-1] in ("kernel", "scale", "embedding"):
        names[-1] = "weight"
    return ".".join(names)


def _attributes(module: nnx.Module) -> list[tuple[str, Any]]:
    """What a module holds, in the order of assignment; an `nnx.Sequential` its layers first.

    `nnx.merge`, and so `nnx.jit`, sorts the attributes by their names; `_pytree__nodes` keeps the order.
    """
    held = vars(module)
    names = [name for name in getattr(module, "_pytree__nodes", held) if name in held]
    own = [(name, held[name]) for name in names if not name.startswith("_pytree__")]
    if not isinstance(module, nnx.Sequential):
        return own
    return [*_attributes(module.layers), *((name, value) for name, value in own if name != "layers")]


def _in_order(
    node: nnx.Module | nnx.Variable[Any], path: tuple[str, ...] = (), seen: set[int] | None = None
) -> Iterator[tuple[tuple[str, ...], nnx.Module | nnx.Variable[Any]]]:
    """A module, its own Variables, then its children in the same way; each once."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return
    seen.add(id(node))
    yield path, node
    if isinstance(node, nnx.Module):
        for name, value in sorted(_attributes(node), key=lambda item: isinstance(item[1], nnx.Module)):
            if isinstance(value, nnx.Module | nnx.Variable):
                yield from _in_order(value, (*path, name), seen)


def ordered_named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names, in PyTorch's order."""
    return [(_dotted(path), node) for path, node in _in_order(module) if isinstance(node, nnx.Param | Frozen)]


def ordered_parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once, in PyTorch's order."""
    return (node for _, node in _in_order(module) if isinstance(node, nnx.Param | Frozen))


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))


def _split(x: jax.Array, size: int | Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Parts of `size` along `axis`, of which the last may be smaller, or parts of the listed sizes."""
    points = split_points(size) if isinstance(size, Sequence) else list(range(size, x.shape[axis], size))
    return jnp.split(x, points, axis)


config = GPTConfig()
rngs = nnx.Rngs(0)
data = rngs.randint((600,), 0, 3).cumsum(axis=0) % config.vocab_size
train_data, val_data = data[:500], data[500:]


def get_batch(split, *, rngs: nnx.Rngs):
    data = train_data if split == "train" else val_data
    ix = rngs.randint((batch_size,), 0, len(data) - config.block_size)
    x = jnp.stack([data[i : i + config.block_size] for i in ix])
    y = jnp.stack([data[i + 1 : i + 1 + config.block_size] for i in ix])
    return x, y


model = GPT(config, rngs=rngs)
optimizer = model.configure_optimizers(weight_decay, learning_rate, (beta1, beta2))


def estimate_loss(*, rngs: nnx.Rngs):
    out = {}
    model.eval()
    for split in ["train", "val"]:
        losses = jnp.zeros((eval_iters,))
        for k in range(eval_iters):
            X, Y = get_batch(split, rngs=rngs)
            logits, loss = model(X, Y)
            losses = losses.at[k].set(loss.item())
        out[split] = losses.mean()
    model.train()
    return out


# learning rate decay scheduler (cosine with warmup)
def get_lr(it):
    # 1) linear warmup for warmup_iters steps
    if it < warmup_iters:
        return learning_rate * (it + 1) / (warmup_iters + 1)
    # 2) if it > lr_decay_iters, return min learning rate
    if it > lr_decay_iters:
        return min_lr
    # 3) in between, use cosine decay down to min learning rate
    decay_ratio = (it - warmup_iters) / (lr_decay_iters - warmup_iters)
    assert 0 <= decay_ratio <= 1
    coeff = 0.5 * (1.0 + math.cos(math.pi * decay_ratio))
    return min_lr + coeff * (learning_rate - min_lr)


X, Y = get_batch("train", rngs=rngs)  # fetch the very first batch
for iter_num in range(max_iters + 1):
    # determine and set the learning rate for this iteration
    lr = get_lr(iter_num)
    for param_group in hyperparams(optimizer):
        param_group["learning_rate"][...] = lr

    # evaluate the loss on train/val sets
    if iter_num % eval_interval == 0:
        losses = estimate_loss(rngs=rngs)
        print(f"step {iter_num}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")

    # forward backward update, with gradient accumulation to simulate larger batch size
    for micro_step in range(gradient_accumulation_steps):
        logits, loss = model(X, Y)
        loss = loss / gradient_accumulation_steps
        X, Y = get_batch("train", rngs=rngs)
        # TODO(torch2jax): T2J108 no training step can be made of this backward pass: no step of an optimizer follows in the same block
        loss.backward()
    # clip the gradient
    if grad_clip != 0.0:
        # TODO(torch2jax): T2J101 torch.nn.utils.clip_grad_norm_ has no rule
        torch.nn.utils.clip_grad_norm_(ordered_parameters(model), grad_clip)
    # step the optimizer
    # TODO(torch2jax): T2J108 Optimizer.step has no translation yet
    optimizer.step()
    # flush the gradients as soon as we can, no need for this memory anymore
    # TODO(torch2jax): T2J108 Optimizer.zero_grad has no translation yet
    optimizer.zero_grad(set_to_none=True)

    if iter_num % 10 == 0:
        lossf = loss.item() * gradient_accumulation_steps
        print(f"iter {iter_num}: loss {lossf:.4f}")
