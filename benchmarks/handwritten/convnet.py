"""`scripts/convnet.py` as it is written for Flax by hand: images are channel-last."""

import optax
from flax import nnx


class Block(nnx.Module):
    def __init__(self, channels, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(channels, channels, (3, 3), use_bias=False, rngs=rngs)
        self.bn1 = nnx.BatchNorm(channels, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(channels, channels, (3, 3), use_bias=False, rngs=rngs)
        self.bn2 = nnx.BatchNorm(channels, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        out = nnx.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return nnx.relu(out + x)


class ConvNet(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = nnx.Conv(3, 16, (3, 3), rngs=rngs)
        self.block1 = Block(16, rngs=rngs)
        self.block2 = Block(16, rngs=rngs)
        self.fc = nnx.Linear(16, 10, rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)
        x = nnx.relu(self.stem(x))
        x = self.block2(self.block1(x))
        return self.fc(x.mean(axis=(1, 2)))


def build(*, rngs):
    model = ConvNet(rngs=rngs)
    tx = optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(0.05, momentum=0.9))
    return model, nnx.Optimizer(model, tx, wrt=nnx.Param)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(model):
        logits = model(x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), logits

    (_, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(model)
    optimizer.update(model, grads)
    return (logits.argmax(axis=1) == y).sum()


def train(model, optimizer, batches):
    model.train()
    correct = 0
    for x, y in batches:
        correct += train_step(model, optimizer, x, y).item()
    return correct
