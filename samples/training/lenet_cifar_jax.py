"""LeNet on images of the size of CIFAR-10's: a bright square whose place depends on the class."""

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.utils.data import DataLoader, TensorDataset, default_collate

torch.manual_seed(0)
rngs = nnx.Rngs(0)
classes = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
batch_size = 4


def make_images(count, *, rngs: nnx.Rngs):
    labels = rngs.randint((count,), 0, 10)
    images = rngs.normal((count, 3, 32, 32))
    for i in range(count):
        row, column = divmod(int(labels[i]), 5)
        images = images.at[i, :, 16 * row : 16 * row + 12, 6 * column : 6 * column + 6].add(2.0)
    return images, labels


# Helpers without a Flax equivalent.


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def cross_entropy(
    logits: jax.Array,
    target: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count. With labels the mean is weighted by the class weights, with
    probabilities it divides by the number of predictions.
    """
    axis = min(logits.ndim - 1, 1)
    classes = logits.shape[axis]
    log_probs = jax.nn.log_softmax(logits, axis)
    weighted = log_probs
    if weight is not None:
        weighted = log_probs * weight.reshape((-1,) + (1,) * (logits.ndim - 1 - axis))
    if jnp.issubdtype(target.dtype, jnp.floating):
        smoothed = target * (1 - label_smoothing) + label_smoothing / classes
        return reduce_loss(-(weighted * smoothed).sum(axis), reduction)
    kept = target != ignore_index
    labels = jnp.where(kept, target, 0)
    of_label = jnp.take_along_axis(weighted, jnp.expand_dims(labels, axis), axis).squeeze(axis)
    loss = -(1 - label_smoothing) * of_label - label_smoothing / classes * weighted.sum(axis)
    loss = jnp.where(kept, loss, 0)
    if reduction != "mean":
        return reduce_loss(loss, reduction)
    return loss.sum() / (kept if weight is None else jnp.where(kept, weight[labels], 0)).sum()


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


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


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


trainset = TensorDataset(*jax.tree.map(to_torch, make_images(240, rngs=rngs)))
trainloader = DataLoader(
    trainset, batch_size=batch_size, shuffle=True, num_workers=2, collate_fn=numpy_collate
)
testset = TensorDataset(*jax.tree.map(to_torch, make_images(40, rngs=rngs)))
testloader = DataLoader(
    testset, batch_size=batch_size, shuffle=False, num_workers=2, collate_fn=numpy_collate
)


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(3, 6, (5, 5), padding="VALID", **fan_in_uniform(3, (5, 5)), rngs=rngs)
        self.pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        self.conv2 = nnx.Conv(
            6, 16, (5, 5), padding="VALID", **fan_in_uniform(6, (5, 5)), rngs=rngs
        )
        self.fc1 = nnx.Linear(16 * 5 * 5, 120, **fan_in_uniform(16 * 5 * 5), rngs=rngs)
        self.fc2 = nnx.Linear(120, 84, **fan_in_uniform(120), rngs=rngs)
        self.fc3 = nnx.Linear(84, 10, **fan_in_uniform(84), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.pool(nnx.relu(self.conv1(x)))
        x = self.pool(nnx.relu(self.conv2(x)))
        value = x.transpose(0, 3, 1, 2)
        x = value.reshape(value.shape[0], -1)  # flatten all dimensions except batch
        x = nnx.relu(self.fc1(x))
        x = nnx.relu(self.fc2(x))
        x = self.fc3(x)
        return x


net = Net(rngs=rngs)
criterion = cross_entropy
optimizer = nnx.Optimizer(net, optax.sgd(0.001, momentum=0.9), wrt=nnx.Param)


@nnx.jit(graph=False)
def train_step(net, optimizer, inputs, labels):
    graphdef, params, rest = nnx.split(net, nnx.Param, ...)

    def loss_fn(params, rest):
        net = nnx.merge(graphdef, params, rest)

        # forward + backward + optimize
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(net, grads)
    return loss


for epoch in range(2):  # loop over the dataset multiple times
    running_loss = 0.0
    for i, data in enumerate(trainloader, 0):
        # get the inputs; data is a list of [inputs, labels]
        inputs, labels = data
        inputs, labels = jnp.asarray(inputs), jnp.asarray(labels)
        # zero the parameter gradients
        loss = train_step(net, optimizer, inputs, labels)

        # print statistics
        running_loss += loss.item()
        if i % 20 == 19:
            print(f"[{epoch + 1}, {i + 1:5d}] loss: {running_loss / 20:.3f}")
            running_loss = 0.0

print("Finished Training")

correct = 0
total = 0
# since we're not training, we don't need to calculate the gradients for our outputs
for data in testloader:
    images, labels = data
    images, labels = jnp.asarray(images), jnp.asarray(labels)
    # calculate outputs by running images through the network
    outputs = net(images)
    # the class with the highest energy is what we choose as prediction
    _, predicted = max_with_indices(outputs, axis=1)
    total += labels.shape[0]
    correct += (predicted == labels).sum().item()

print(f"Accuracy of the network on the {total} test images: {100 * correct // total} %")

# prepare to count predictions for each class
correct_pred = {classname: 0 for classname in classes}
total_pred = {classname: 0 for classname in classes}

for data in testloader:
    images, labels = data
    images, labels = jnp.asarray(images), jnp.asarray(labels)
    outputs = net(images)
    _, predictions = max_with_indices(outputs, axis=1)
    # collect the correct predictions for each class
    for label, prediction in zip(labels, predictions):
        if label == prediction:
            correct_pred[classes[label]] += 1
        total_pred[classes[label]] += 1

# print accuracy for each class
for classname, correct_count in correct_pred.items():
    if total_pred[classname] > 0:
        accuracy = 100 * float(correct_count) / total_pred[classname]
        print(f"Accuracy for class: {classname:5s} is {accuracy:.1f} %")
