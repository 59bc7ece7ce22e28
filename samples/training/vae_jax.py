"""A variational autoencoder, in the form of the PyTorch examples."""

import argparse
import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
import torch.utils.data
from flax import nnx
from torch.utils.data import default_collate

parser = argparse.ArgumentParser(description="VAE example")


# Helpers without a Flax equivalent.


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def binary_cross_entropy(
    probs: jax.Array, target: jax.Array, weight: jax.Array | None = None, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of probabilities; logarithms are cut at -100, so that 0 and 1 have finite losses and gradients."""

    @jax.custom_jvp
    def cross_entropy(p: jax.Array, t: jax.Array) -> jax.Array:
        return -(t * jnp.maximum(jnp.log(p), -100) + (1 - t) * jnp.maximum(jnp.log1p(-p), -100))

    @cross_entropy.defjvp
    def _(primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        (p, t), (dp, dt) = primals, tangents
        # PyTorch keeps the denominator above 1e-12, rounded to float32.
        slope = (p - t) / jnp.maximum(p * (1 - p), 9.999999960041972e-13)
        log_odds = jnp.maximum(jnp.log(p), -100) - jnp.maximum(jnp.log1p(-p), -100)
        return cross_entropy(p, t), slope * dp - log_odds * dt

    loss = cross_entropy(probs, target.astype(probs.dtype))
    return reduce_loss(loss if weight is None else loss * weight, reduction)


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


def map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to what is inside nested lists, tuples and dictionaries, which stay what they are."""
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: map_nested(function, item) for key, item in value.items()})
        return result
    if isinstance(value, list | tuple):
        items = [map_nested(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return map_nested(lambda item: item.numpy() if isinstance(item, torch.Tensor) else item, collate(samples))


def to_torch(array: Any) -> Any:
    """A PyTorch tensor with a copy of an array, integers as int64; what is no array of JAX comes back."""
    if not isinstance(array, jax.Array):
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.long() if tensor.dtype == torch.int32 else tensor


parser.add_argument("--batch-size", type=int, default=16, metavar="N")
parser.add_argument("--epochs", type=int, default=2, metavar="N")
parser.add_argument("--no-cuda", action="store_true", default=False)
parser.add_argument("--seed", type=int, default=1, metavar="S")
parser.add_argument("--log-interval", type=int, default=10, metavar="N")
args = parser.parse_args()
args.cuda = not args.no_cuda and jax.default_backend() == "gpu"

torch.manual_seed(args.seed)
rngs = nnx.Rngs(args.seed)

device = jax.devices()[0]


def stripes(count, *, rngs: nnx.Rngs):
    """Images of 8 x 8 pixels in [0, 1], with a stripe each."""
    phase = 6.28 * rngs.uniform((count, 1, 1, 1))
    grid = jnp.arange(8).astype(jnp.float32)
    return 0.5 + 0.5 * jnp.sin(phase + grid.reshape(1, 1, 1, 8) * 0.8) * jnp.ones((count, 1, 8, 1))


train_set = torch.utils.data.TensorDataset(to_torch(stripes(400, rngs=rngs)), torch.zeros(400))
test_set = torch.utils.data.TensorDataset(to_torch(stripes(64, rngs=rngs)), torch.zeros(64))
train_loader = torch.utils.data.DataLoader(
    train_set, batch_size=args.batch_size, shuffle=True, collate_fn=numpy_collate
)
test_loader = torch.utils.data.DataLoader(
    test_set, batch_size=args.batch_size, shuffle=False, collate_fn=numpy_collate
)


class VAE(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.fc1 = nnx.Linear(64, 40, **fan_in_uniform(64), rngs=rngs)
        self.fc21 = nnx.Linear(40, 6, **fan_in_uniform(40), rngs=rngs)
        self.fc22 = nnx.Linear(40, 6, **fan_in_uniform(40), rngs=rngs)
        self.fc3 = nnx.Linear(6, 40, **fan_in_uniform(6), rngs=rngs)
        self.fc4 = nnx.Linear(40, 64, **fan_in_uniform(40), rngs=rngs)

    def encode(self, x):
        h1 = nnx.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = jnp.exp(0.5 * logvar)
        eps = self.rngs.normal(std.shape, dtype=std.dtype)
        return mu + eps * std

    def decode(self, z):
        h3 = nnx.relu(self.fc3(z))
        return nnx.sigmoid(self.fc4(h3))

    def __call__(self, x):
        mu, logvar = self.encode(x.reshape(-1, 64))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


model = VAE(rngs=rngs)
optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)


# Reconstruction + KL divergence losses summed over all elements and batch
def loss_function(recon_x, x, mu, logvar):
    BCE = binary_cross_entropy(recon_x, x.reshape(-1, 64), reduction="sum")

    # see Appendix B from VAE paper:
    # Kingma and Welling. Auto-Encoding Variational Bayes. ICLR, 2014
    # 0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2)
    KLD = -0.5 * (1 + logvar - mu**2 - jnp.exp(logvar)).sum()

    return BCE + KLD


@nnx.jit(graph=False)
def train_step(model, optimizer, data):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


def train(epoch):
    model.train()
    train_loss = 0
    for batch_idx, (data, _) in enumerate(train_loader):
        data = jnp.asarray(data)
        loss = train_step(model, optimizer, data)
        train_loss += loss.item()
        if batch_idx % args.log_interval == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    epoch,
                    batch_idx * len(data),
                    len(train_loader.dataset),
                    100.0 * batch_idx / len(train_loader),
                    loss.item() / len(data),
                )
            )

    print("====> Epoch: {} Average loss: {:.4f}".format(epoch, train_loss / len(train_loader.dataset)))


def test(epoch):
    model.eval()
    test_loss = 0
    for i, (data, _) in enumerate(test_loader):
        data = jnp.asarray(data)
        recon_batch, mu, logvar = model(data)
        test_loss += loss_function(recon_batch, data, mu, logvar).item()

    test_loss /= len(test_loader.dataset)
    print("====> Test set loss: {:.4f}".format(test_loss))


if __name__ == "__main__":
    for epoch in range(1, args.epochs + 1):
        train(epoch)
        test(epoch)
        sample = rngs.normal((16, 6))
        sample = model.decode(sample)
        print("mean of the samples: {:.4f}".format(sample.mean().item()))
