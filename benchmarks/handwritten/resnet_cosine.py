"""`samples/training/resnet_cosine.py` as one would write it in Flax NNX from the start."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

EPOCHS, BATCHES, WARMUP = 2, 26, 10


class BasicBlock(nnx.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, features_in: int, features: int, stride: int = 1, *, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(features_in, features, (3, 3), strides=stride, padding=1, use_bias=False, rngs=rngs)
        self.bn1 = nnx.BatchNorm(features, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(features, features, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.bn2 = nnx.BatchNorm(features, momentum=0.9, rngs=rngs)
        self.shortcut = nnx.Sequential()
        if stride != 1 or features_in != features:
            self.shortcut = nnx.Sequential(
                nnx.Conv(features_in, features, (1, 1), strides=stride, padding="VALID", use_bias=False, rngs=rngs),
                nnx.BatchNorm(features, momentum=0.9, rngs=rngs),
            )

    def __call__(self, x: jax.Array) -> jax.Array:  # noqa: D102
        y = nnx.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return nnx.relu(y + self.shortcut(x))


class ResNet(nnx.Module):
    """Two blocks, for images of shape (batch, height, width, 3)."""

    def __init__(self, classes: int = 4, *, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Sequential(
            nnx.Conv(3, 6, (3, 3), padding=1, use_bias=False, rngs=rngs),
            nnx.BatchNorm(6, momentum=0.9, rngs=rngs),
            nnx.relu,
        )
        self.layer1 = BasicBlock(6, 6, rngs=rngs)
        self.layer2 = BasicBlock(6, 10, stride=2, rngs=rngs)
        self.fc = nnx.Linear(10, classes, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:  # noqa: D102
        x = self.layer2(self.layer1(self.stem(x)))
        return self.fc(x.mean((1, 2)))


def build() -> tuple[ResNet, nnx.Optimizer[ResNet]]:
    """The model and its optimizer."""
    model = ResNet(rngs=nnx.Rngs(0))
    schedule = optax.warmup_cosine_decay_schedule(0.01, 0.1, WARMUP, EPOCHS * BATCHES)
    transform = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.add_decayed_weights(5e-4),
        optax.sgd(schedule, momentum=0.9, nesterov=True),
    )
    return model, nnx.Optimizer(model, transform, wrt=nnx.Param)


@nnx.jit
def train_step(
    model: ResNet, optimizer: nnx.Optimizer[ResNet], images: jax.Array, labels: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """One update with a batch; gives the loss and the logits."""

    def loss_fn(model: ResNet) -> tuple[jax.Array, jax.Array]:
        logits = model(images)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), 0.1)
        return jnp.asarray(optax.softmax_cross_entropy(logits, targets).mean()), logits

    (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(model)
    optimizer.update(model, grads)
    return loss, logits
