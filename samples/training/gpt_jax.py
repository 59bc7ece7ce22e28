"""A small GPT on characters, trained like nanoGPT: gradient accumulation, weight decay on matrices only, warm-up and cosine."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax

# -----------------------------------------------------------------------------
# data
batch_size = 4
block_size = 16
gradient_accumulation_steps = 2
# model
n_layer = 2
n_head = 2
n_embd = 16
dropout = 0.0
# adamw optimizer
learning_rate = 1e-2
max_iters = 60
weight_decay = 1e-1
beta1 = 0.9
beta2 = 0.95
grad_clip = 1.0
# learning rate decay settings
decay_lr = True
warmup_iters = 5
lr_decay_iters = 60
min_lr = 1e-3
# evaluation
eval_interval = 30
eval_iters = 4
device = "cuda" if jax.default_backend() == "gpu" else "cpu"
# -----------------------------------------------------------------------------

rngs = nnx.Rngs(1337)

text = "the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. " * 12


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


def add_gradients(grads: Any, new: Any) -> Any:
    """The sum of gradients and new ones; ``grads`` is None where there are none yet."""
    return new if grads is None else jax.tree.map(jnp.add, grads, new)


@jax.jit
def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """Gradients, scaled so that their norm all together is at most ``max_norm`` (up to the 1e-6 of PyTorch).

    `optax.clip_by_global_norm` divides by the norm alone, and leaves gradients below the limit as they are bit by bit.
    """
    scale = jnp.minimum(1.0, max_norm / (optax.tree.norm(grads) + 1e-6))
    return jax.tree.map(lambda grad: grad * scale, grads)


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


def _keys(path: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(part.key for part in path if isinstance(part, jax.tree_util.DictKey))


def group_labels(module: nnx.Module, groups: Sequence[Iterable[nnx.Variable[Any]]]) -> Callable[[Any], Any]:
    """Labels for `optax.partition`: the number of the group that a parameter of the module is in, -1 if it is in none.

    Raises ValueError for a parameter of another module.
    """
    paths = {id(node): path for path, node in nnx.iter_graph(module) if isinstance(node, nnx.Variable)}
    numbers: dict[tuple[Any, ...], int] = {}
    for number, group in enumerate(groups):
        for parameter in group:
            if id(parameter) not in paths:
                raise ValueError(f"group {number} of the optimizer has a parameter that its module lacks")
            numbers[paths[id(parameter)]] = number

    def labels(params: Any) -> Any:
        return jax.tree_util.tree_map_with_path(lambda path, _: numbers.get(_keys(path), -1), params)

    return labels


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    if not hasattr(state, "inner_states"):
        return [state.hyperparams]
    # the parameters that are in no group have no hyperparameters
    groups = [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
    return [group.hyperparams for group in groups if hasattr(group, "hyperparams")]


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


def _attributes(module: nnx.Module) -> list[tuple[str, Any]]:
    """What a module holds, in the order of assignment; an `nnx.Sequential` its layers first.

    `nnx.merge`, and so `nnx.jit`, sorts the attributes by their names; `_pytree__nodes` keeps the order.
    """
    held = vars(module)
    names = [name for name in getattr(module, "_pytree__nodes", held) if name in held]
    own = [(name, held[name]) for name in names if not name.startswith("_pytree__")]
    if not isinstance(module, nnx.Sequential):
        return own
    layers = [(torch_name(module.layers, name), value) for name, value in _attributes(module.layers)]
    return [*layers, *((name, value) for name, value in own if name != "layers")]


def _in_order(
    node: nnx.Module | nnx.Variable[Any], prefix: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, nnx.Module | nnx.Variable[Any]]]:
    """A module, its own Variables, then its children in the same way; each once, with its dotted name."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return
    seen.add(id(node))
    yield prefix.removesuffix("."), node
    if isinstance(node, nnx.Module):
        for name, value in sorted(_attributes(node), key=lambda item: isinstance(item[1], nnx.Module)):
            if isinstance(value, nnx.Module | nnx.Variable):
                yield from _in_order(value, f"{prefix}{torch_name(node, name)}.", seen)


def ordered_named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names, in PyTorch's order."""
    return [(name, node) for name, node in _in_order(module) if isinstance(node, nnx.Param | Frozen)]


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


def _split(x: jax.Array, size: int | Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Parts of `size` along `axis`, of which the last may be smaller, or parts of the listed sizes."""
    points = split_points(size) if isinstance(size, Sequence) else list(range(size, x.shape[axis], size))
    return jnp.split(x, points, axis)


chars = sorted(list(set(text)))
vocab_size = len(chars)
stoi = {ch: i for i, ch in enumerate(chars)}
data = jnp.array([stoi[c] for c in text], dtype=jnp.int32)
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]


def get_batch(split, *, rngs: nnx.Rngs):
    data = train_data if split == "train" else val_data
    ix = rngs.randint((batch_size,), 0, len(data) - block_size)
    x = jnp.stack([data[i : i + block_size] for i in ix])
    y = jnp.stack([data[i + 1 : i + 1 + block_size] for i in ix])
    return x, y


class LayerNorm(nnx.Module):
    """LayerNorm but with an optional bias. PyTorch doesn't support simply bias=False"""

    def __init__(self, ndim, bias, *, rngs: nnx.Rngs):
        self.weight = nnx.Param(jnp.ones((ndim,)))
        self.bias = nnx.Param(jnp.zeros((ndim,))) if bias else None

    def __call__(self, input):
        return layer_norm(input, self.weight.shape, self.weight[...], None if self.bias is None else self.bias[...])


class CausalSelfAttention(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        assert config.n_embd % config.n_head == 0
        # key, query, value projections for all heads, but in a batch
        self.c_attn = nnx.Linear(
            config.n_embd, 3 * config.n_embd, use_bias=config.bias, **fan_in_uniform(config.n_embd), rngs=rngs
        )
        # output projection
        self.c_proj = nnx.Linear(
            config.n_embd, config.n_embd, use_bias=config.bias, **fan_in_uniform(config.n_embd), rngs=rngs
        )
        # regularization
        self.attn_dropout = nnx.Dropout(config.dropout, rngs=rngs)
        self.resid_dropout = nnx.Dropout(config.dropout, rngs=rngs)
        self.n_head = config.n_head
        self.n_embd = config.n_embd
        # causal mask to ensure that attention is only applied to the left in the input sequence
        self.bias = Buffer(
            jnp.tril(jnp.ones((config.block_size, config.block_size))).reshape(
                1, 1, config.block_size, config.block_size
            )
        )

    def __call__(self, x):
        B, T, C = x.shape  # batch size, sequence length, embedding dimensionality (n_embd)

        # calculate query, key, values for all heads in batch and move head forward to be the batch dim
        q, k, v = _split(self.c_attn(x), self.n_embd, axis=2)
        k = k.reshape(B, T, self.n_head, C // self.n_head).swapaxes(1, 2)  # (B, nh, T, hs)
        q = q.reshape(B, T, self.n_head, C // self.n_head).swapaxes(1, 2)  # (B, nh, T, hs)
        v = v.reshape(B, T, self.n_head, C // self.n_head).swapaxes(1, 2)  # (B, nh, T, hs)

        # causal self-attention; Self-attend: (B, nh, T, hs) x (B, nh, hs, T) -> (B, nh, T, T)
        att = (q @ k.swapaxes(-2, -1)) * (1.0 / math.sqrt(k.shape[-1]))
        att = jnp.where(self.bias[...][:, :, :T, :T] == 0, float("-inf"), att)
        att = nnx.softmax(att)
        att = self.attn_dropout(att)
        y = att @ v  # (B, nh, T, T) x (B, nh, T, hs) -> (B, nh, T, hs)
        y = y.swapaxes(1, 2).reshape(B, T, C)  # re-assemble all head outputs side by side

        # output projection
        y = self.resid_dropout(self.c_proj(y))
        return y


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
        x = self.c_fc(x)
        x = self.gelu(x)
        x = self.c_proj(x)
        x = self.dropout(x)
        return x


class Block(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias, rngs=rngs)
        self.attn = CausalSelfAttention(config, rngs=rngs)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias, rngs=rngs)
        self.mlp = MLP(config, rngs=rngs)

    def __call__(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x


@dataclass
class GPTConfig:
    block_size: int = 1024
    vocab_size: int = 50304
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True


class GPT(nnx.Module):
    def __init__(self, config, *, rngs: nnx.Rngs):
        self.config = config
        self.transformer = nnx.Dict(
            dict(
                wte=nnx.Embed(config.vocab_size, config.n_embd, embedding_init=nnx.initializers.normal(1.0), rngs=rngs),
                wpe=nnx.Embed(config.block_size, config.n_embd, embedding_init=nnx.initializers.normal(1.0), rngs=rngs),
                drop=nnx.Dropout(config.dropout, rngs=rngs),
                h=nnx.List([Block(config, rngs=rngs) for _ in range(config.n_layer)]),
                ln_f=LayerNorm(config.n_embd, bias=config.bias, rngs=rngs),
            )
        )
        # https://paperswithcode.com/method/weight-tying

        # init all weights
        for _, module in nnx.iter_modules(self):
            self._init_weights(module, rngs=rngs)
        # apply special scaled init to the residual projections, per GPT-2 paper
        for pn, p in named_parameters(self):
            if pn.endswith("c_proj.weight"):
                p[...] = nnx.initializers.normal(0.02 / math.sqrt(2 * config.n_layer))(rngs.params(), p.shape, p.dtype)

        # report number of parameters
        print("number of parameters: %d" % (self.get_num_params(),))

    def get_num_params(self, non_embedding=True):
        """Number of parameters in the model; the position embeddings do not count by default."""
        n_params = sum(p.size for p in parameters(self))
        if non_embedding:
            n_params -= self.transformer.wpe.embedding.size
        return n_params

    def _init_weights(self, module, *, rngs: nnx.Rngs):
        if isinstance(module, nnx.Linear):
            module.kernel[...] = nnx.initializers.normal(0.02)(rngs.params(), module.kernel.shape, module.kernel.dtype)
            if module.bias is not None:
                module.bias[...] = jnp.zeros_like(module.bias)
        elif isinstance(module, nnx.Embed):
            module.embedding[...] = nnx.initializers.normal(0.02)(
                rngs.params(), module.embedding.shape, module.embedding.dtype
            )

    def __call__(self, idx, targets=None):
        device = jax.devices()[0]
        b, t = idx.shape
        assert t <= self.config.block_size, f"Cannot forward sequence of length {t}"
        pos = jnp.arange(0, t, dtype=jnp.int32)  # shape (t)

        # forward the GPT model itself
        tok_emb = self.transformer.wte(idx)  # token embeddings of shape (b, t, n_embd)
        pos_emb = self.transformer.wpe(pos)  # position embeddings of shape (t, n_embd)
        x = self.transformer.drop(tok_emb + pos_emb)
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)

        if targets is not None:
            # if we are given some desired targets also calculate the loss
            logits = self.transformer.wte.attend(x)
            loss = softmax_cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1)
        else:
            # inference-time mini-optimization: only forward the lm_head on the very last position
            logits = self.transformer.wte.attend(x[:, jnp.array([-1]), :])  # note: using list [-1] to preserve the time dim
            loss = None

        return logits, loss

    def configure_optimizers(self, weight_decay, learning_rate, betas):
        # start with all of the candidate parameters
        param_dict = {pn: p for pn, p in ordered_named_parameters(self)}
        # filter out those that do not require grad
        param_dict = {pn: p for pn, p in param_dict.items() if isinstance(p, nnx.Param)}
        # create optim groups. Any parameters that is 2D will be weight decayed, otherwise no.
        decay_params = [p for n, p in param_dict.items() if p.ndim >= 2]
        nodecay_params = [p for n, p in param_dict.items() if p.ndim < 2]
        num_decay_params = sum(p.size for p in decay_params)
        num_nodecay_params = sum(p.size for p in nodecay_params)
        print(f"num decayed parameter tensors: {len(decay_params)}, with {num_decay_params:,} parameters")
        print(f"num non-decayed parameter tensors: {len(nodecay_params)}, with {num_nodecay_params:,} parameters")
        optimizer = nnx.Optimizer(
            self,
            optax.partition(
                {
                    0: optax.inject_hyperparams(optax.adamw)(
                        learning_rate=learning_rate, b1=betas[0], b2=betas[1], weight_decay=weight_decay
                    ),
                    1: optax.inject_hyperparams(optax.adamw)(
                        learning_rate=learning_rate, b1=betas[0], b2=betas[1], weight_decay=0.0
                    ),
                    -1: optax.set_to_zero(),
                },
                group_labels(self, [decay_params, nodecay_params]),
            ),
            wrt=nnx.Param,
        )
        return optimizer


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
    coeff = 0.5 * (1.0 + math.cos(math.pi * decay_ratio))  # coeff ranges 0..1
    return min_lr + coeff * (learning_rate - min_lr)


gptconf = GPTConfig(
    n_layer=n_layer, n_head=n_head, n_embd=n_embd, block_size=block_size, bias=False, vocab_size=vocab_size, dropout=dropout
)
model = GPT(gptconf, rngs=rngs)
optimizer = model.configure_optimizers(weight_decay, learning_rate, (beta1, beta2))

X, Y = get_batch("train", rngs=rngs)  # fetch the very first batch
iter_num = 0
best_val_loss = 1e9


@nnx.jit
def accumulate_gradients(model, grads, X, Y):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        logits, loss = model(X, Y)
        loss = loss / gradient_accumulation_steps  # scale the loss to account for gradient accumulation
        return loss

    loss, new_grads = nnx.value_and_grad(loss_fn)(params, rest)
    grads = add_gradients(grads, new_grads)
    return loss, grads


@nnx.jit
def apply_gradients(model, optimizer, grads):
    optimizer.update(model, grads)


grads = None
while True:
    # determine and set the learning rate for this iteration
    lr = get_lr(iter_num) if decay_lr else learning_rate
    for param_group in hyperparams(optimizer):
        param_group["learning_rate"][...] = lr

    # evaluate the loss on train/val sets
    if iter_num % eval_interval == 0:
        losses = estimate_loss(rngs=rngs)
        print(f"step {iter_num}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
        if losses["val"] < best_val_loss:
            best_val_loss = losses["val"]

    # forward backward update, with gradient accumulation to simulate larger batch size
    for micro_step in range(gradient_accumulation_steps):
        loss, grads = accumulate_gradients(model, grads, X, Y)
        # immediately prefetch next batch while the model is doing the forward pass
        X, Y = get_batch("train", rngs=rngs)
    # clip the gradient
    if grad_clip != 0.0:
        grads = clip_by_norm(grads, grad_clip)
    # step the optimizer and flush the gradients
    apply_gradients(model, optimizer, grads)
    grads = None

    if iter_num % 10 == 0:
        # scale up to undo the division above, approximating the true total loss
        lossf = loss.item() * gradient_accumulation_steps
        print(f"iter {iter_num}: loss {lossf:.4f}")
    iter_num += 1

    # termination conditions
    if iter_num > max_iters:
        break
