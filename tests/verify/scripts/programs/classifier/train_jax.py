import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()
rngs = nnx.Rngs(0)


class BatchNorm(nnx.BatchNorm):
    def __call__(self, x):
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        if self.use_running_average:
            mean, var = self.mean[...], self.var[...]
        else:
            n = x.size // x.shape[-1]
            self.mean[...] = 0.9 * self.mean[...] + 0.1 * mean
            self.var[...] = 0.9 * self.var[...] + 0.1 * var * n / (n - 1)
        return (x - mean) / jnp.sqrt(var + self.epsilon) * self.scale[...] + self.bias[...]


class Net(nnx.Module):
    def __init__(self, features, classes, *, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.norm = BatchNorm(4, epsilon=1e-5, rngs=rngs)
        self.dropout = nnx.Dropout(0.3, rngs=rngs)
        self.fc = nnx.Linear(features, classes, rngs=rngs)

    def __call__(self, x):
        x = jnp.transpose(x, (0, 2, 3, 1))
        x = nnx.max_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), (2, 2))
        x = jnp.transpose(x, (0, 3, 1, 2))
        return self.fc(self.dropout(x.reshape(x.shape[0], -1)))


def init_weights(m):
    for _, layer in nnx.iter_modules(m):
        if isinstance(layer, nnx.Linear):
            init = nnx.initializers.xavier_uniform()
            layer.kernel[...] = init(rngs.params(), layer.kernel.shape)
            layer.bias[...] = jnp.zeros_like(layer.bias[...])


images = np.random.RandomState(0).rand(40, 1, 8, 6).astype(np.float32)
labels = (images.mean((1, 2, 3)) * 100).astype(np.int64) % 5
dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
loader = DataLoader(dataset, batch_size=16, shuffle=True, num_workers=2)
model = Net(48, 5, rngs=rngs)
init_weights(model)
optimizer = nnx.Optimizer(model, optax.adam(0.01), wrt=nnx.Param)


def train_step(model, optimizer, x, y):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        loss = optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()
        return loss, nnx.state(model, nnx.Not(nnx.Param))

    (loss, rest), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    nnx.update(model, rest)
    optimizer.update(model, grads)
    return loss


train_model = nnx.view(model, deterministic=False, use_running_average=False)
eval_model = nnx.view(model, deterministic=True, use_running_average=True)
train_step = nnx.jit_partial(train_step, train_model, optimizer, graph=False)


@jax.jit
def correct_in(graphdef, state, x, y):
    return (nnx.merge(graphdef, state)(x).argmax(1) == y).sum()


history = []
start = time.time()
for epoch in range(args.epochs):
    total = 0.0
    for x, y in loader:
        loss = train_step(jnp.asarray(x.numpy()), jnp.asarray(y.numpy()))
        total += loss.item() * len(x)
    history.append(total / len(dataset))
    split = nnx.split(eval_model)
    correct = sum(correct_in(*split, jnp.asarray(x.numpy()), jnp.asarray(y.numpy())).item() for x, y in loader)
    print(f"epoch {epoch}: loss {history[-1]:.4f}, accuracy {100 * correct / len(dataset):.1f} %")
elapsed = time.time() - start
print(f"took {elapsed:.6f} s")
Path("model.msgpack").write_bytes(b"")
