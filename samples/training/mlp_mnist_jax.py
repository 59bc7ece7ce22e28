"""A multi-layer perceptron on images of the size of MNIST's, made up of noise and a stroke for each class."""

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
from flax import nnx
from torch.utils.data import DataLoader, Dataset, default_collate

MEAN, STD = 0.1307, 0.3081


class Digits(Dataset):
    def __init__(self, size, seed, transform=None):
        generator = torch.Generator().manual_seed(seed)
        self.targets = torch.randint(0, 10, (size,), generator=generator)
        self.images = 0.5 * torch.rand(size, 28, 28, generator=generator)
        for i, target in enumerate(self.targets.tolist()):
            self.images[i, 2 * target : 2 * target + 4] += 0.5
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image, target = self.images[index].unsqueeze(0), int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, target


def normalize(image):
    return (image - MEAN) / STD


class MLP(nnx.Module):
    def __init__(self, hidden=32, p=0.2, *, rngs: nnx.Rngs):
        self.fc1 = nnx.Linear(28 * 28, hidden, **fan_in_uniform(28 * 28), rngs=rngs)
        self.fc2 = nnx.Linear(hidden, hidden, **fan_in_uniform(hidden), rngs=rngs)
        self.fc3 = nnx.Linear(hidden, 10, **fan_in_uniform(hidden), rngs=rngs)
        self.dropout = nnx.Dropout(p, rngs=rngs)

    def __call__(self, x):
        x = x.reshape(-1, 28 * 28)
        x = self.dropout(nnx.relu(self.fc1(x)))
        x = self.dropout(nnx.relu(self.fc2(x)))
        return nnx.log_softmax(self.fc3(x), axis=1)


@nnx.jit(graph=False)
def train_step(model, optimizer, data, target):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        output = model(data)
        loss = nll_loss(output, target)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


def train(model, device, train_loader, optimizer, epoch, log_interval=10):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = jnp.asarray(data), jnp.asarray(target)
        loss = train_step(model, optimizer, data, target)
        if batch_idx % log_interval == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    epoch,
                    batch_idx * len(data),
                    len(train_loader.dataset),
                    100.0 * batch_idx / len(train_loader),
                    loss.item(),
                )
            )


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    for data, target in test_loader:
        data, target = jnp.asarray(data), jnp.asarray(target)
        output = model(data)
        test_loss += nll_loss(output, target, reduction="sum").item()
        pred = output.argmax(axis=1, keepdims=True)
        correct += (pred == target.reshape(pred.shape)).sum().item()

    test_loss /= len(test_loader.dataset)
    accuracy = 100.0 * correct / len(test_loader.dataset)
    print(f"\nTest set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(test_loader.dataset)} ({accuracy:.0f}%)\n")
    return accuracy


def main():
    torch.manual_seed(1)
    rngs = nnx.Rngs(1)
    device = jax.devices()[0]
    train_loader = DataLoader(
        Digits(500, seed=0, transform=normalize), batch_size=16, shuffle=True, collate_fn=numpy_collate
    )
    test_loader = DataLoader(
        Digits(100, seed=1, transform=normalize), batch_size=50, shuffle=False, collate_fn=numpy_collate
    )

    model = MLP(rngs=rngs)
    optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
    best = 0.0
    for epoch in range(1, 3):
        train(model, device, train_loader, optimizer, epoch)
        best = max(best, test(model, device, test_loader))
    print("best accuracy:", best)


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


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def nll_loss(
    log_probs: jax.Array,
    labels: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log likelihood of integer labels; the mean is weighted by the weights of the classes that count.

    Log probabilities have shape (classes,) or (batch, classes, ...), labels the same without the classes.
    """
    axis = min(log_probs.ndim - 1, 1)
    kept = labels != ignore_index
    classes = jnp.where(kept, labels, 0)
    loss = -jnp.take_along_axis(log_probs, jnp.expand_dims(classes, axis), axis).squeeze(axis)
    scale = jnp.where(kept, jnp.ones_like(loss) if weight is None else weight[classes], 0)
    loss = jnp.where(kept, loss * scale, 0)
    return loss.sum() / scale.sum() if reduction == "mean" else reduce_loss(loss, reduction)


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


if __name__ == "__main__":
    main()
