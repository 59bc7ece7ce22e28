"""`samples/training/gpt.py` as one would write it in Flax NNX from the start."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

LAYERS, HEADS, WIDTH, BLOCK = 2, 2, 16, 16


class Block(nnx.Module):
    """Attention and a perceptron, normalised before."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.ln_1 = nnx.LayerNorm(WIDTH, epsilon=1e-5, use_bias=False, rngs=rngs)
        self.attend = nnx.Linear(WIDTH, 3 * WIDTH, use_bias=False, rngs=rngs)
        self.project = nnx.Linear(WIDTH, WIDTH, use_bias=False, rngs=rngs)
        self.ln_2 = nnx.LayerNorm(WIDTH, epsilon=1e-5, use_bias=False, rngs=rngs)
        self.widen = nnx.Linear(WIDTH, 4 * WIDTH, use_bias=False, rngs=rngs)
        self.narrow = nnx.Linear(4 * WIDTH, WIDTH, use_bias=False, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:  # noqa: D102
        batch, length, width = x.shape
        parts = self.attend(self.ln_1(x)).reshape(batch, length, 3, HEADS, width // HEADS)
        attended = jax.nn.dot_product_attention(parts[:, :, 0], parts[:, :, 1], parts[:, :, 2], is_causal=True)
        x = x + self.project(attended.reshape(batch, length, width))
        return x + self.narrow(nnx.gelu(self.widen(self.ln_2(x)), approximate=False))


class GPT(nnx.Module):
    """Logits of the next token for tokens of shape (batch, length)."""

    def __init__(self, vocabulary: int, rngs: nnx.Rngs) -> None:
        self.tokens = nnx.Embed(vocabulary, WIDTH, rngs=rngs)
        self.positions = nnx.Embed(BLOCK, WIDTH, rngs=rngs)
        self.blocks = nnx.List([Block(rngs) for _ in range(LAYERS)])
        self.norm = nnx.LayerNorm(WIDTH, epsilon=1e-5, use_bias=False, rngs=rngs)

    def __call__(self, tokens: jax.Array) -> jax.Array:  # noqa: D102
        x = self.tokens(tokens) + self.positions(jnp.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.tokens.attend(self.norm(x))


def build(vocabulary: int) -> tuple[GPT, nnx.Optimizer[GPT]]:
    """The model and its optimizer: weight decay for matrices, and a step for two micro-batches."""
    model = GPT(vocabulary, nnx.Rngs(0))
    schedule = optax.warmup_cosine_decay_schedule(1e-3, 1e-2, 5, 60, 1e-3)
    transform = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(schedule, b2=0.95, weight_decay=0.1, mask=lambda p: jax.tree.map(lambda x: x.ndim >= 2, p)),
    )
    return model, nnx.Optimizer(model, optax.MultiSteps(transform, 2), wrt=nnx.Param)


@nnx.jit
def train_step(model: GPT, optimizer: nnx.Optimizer[GPT], tokens: jax.Array, targets: jax.Array) -> jax.Array:
    """The gradients of a micro-batch, and every other time an update; gives the loss."""

    def loss_fn(model: GPT) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(model(tokens), targets).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return jnp.asarray(loss)
