"""A small network learns from a larger one: soft targets at a temperature beside the labels."""

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from jax import lax
from torch.utils.data import DataLoader, TensorDataset, default_collate

torch.manual_seed(0)
rngs = nnx.Rngs(0)
T = 2.0
soft_target_loss_weight = 0.25
ce_loss_weight = 0.75
NUM_CLASSES = 4


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


centers = 1.5 * rngs.normal((NUM_CLASSES, 10))


def make_dataset(count, *, rngs: nnx.Rngs):
    labels = rngs.randint((count,), 0, NUM_CLASSES)
    return TensorDataset(to_torch(centers[labels] + rngs.normal((count, 10))), to_torch(labels))


train_loader = DataLoader(make_dataset(240, rngs=rngs), batch_size=16, shuffle=True, collate_fn=numpy_collate)
test_loader = DataLoader(make_dataset(64, rngs=rngs), batch_size=16, shuffle=False, collate_fn=numpy_collate)


class Teacher(nnx.Module):
    def __init__(self, num_classes=NUM_CLASSES, *, rngs: nnx.Rngs):
        self.features = nnx.Sequential(
            nnx.Linear(10, 48, **fan_in_uniform(10), rngs=rngs),
            nnx.relu,
            nnx.Linear(48, 24, **fan_in_uniform(48), rngs=rngs),
            nnx.relu,
        )
        self.classifier = nnx.Sequential(
            nnx.Dropout(0.1, rngs=rngs), nnx.Linear(24, num_classes, **fan_in_uniform(24), rngs=rngs)
        )

    def __call__(self, x):
        return self.classifier(self.features(x))


class Student(nnx.Module):
    def __init__(self, num_classes=NUM_CLASSES, *, rngs: nnx.Rngs):
        self.features = nnx.Sequential(nnx.Linear(10, 8, **fan_in_uniform(10), rngs=rngs), nnx.relu)
        self.classifier = nnx.Linear(8, num_classes, **fan_in_uniform(8), rngs=rngs)

    def __call__(self, x):
        return self.classifier(self.features(x))


@nnx.jit(graph=False, static_argnames=("criterion",))
def train_model(model, optimizer, inputs, labels, criterion):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


def train(model, train_loader, epochs, learning_rate):
    criterion = cross_entropy
    optimizer = nnx.Optimizer(model, optax.adam(learning_rate), wrt=nnx.Param)

    model.train()
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            inputs, labels = jnp.asarray(inputs), jnp.asarray(labels)
            loss = train_model(model, optimizer, inputs, labels, criterion)
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / len(train_loader)}")


@nnx.jit(graph=False, static_argnames=("ce_loss",))
def train_student(student, optimizer, teacher, inputs, labels, ce_loss):
    # forward pass with the teacher model: its weights are not changed
    teacher_logits = teacher(inputs)
    graphdef, params, rest = nnx.split(student, nnx.Param, ...)

    def loss_fn(params, rest):
        student = nnx.merge(graphdef, params, rest)

        # forward pass with the student model
        student_logits = student(inputs)

        # soften the student logits by applying softmax first and log() second
        soft_targets = nnx.softmax(teacher_logits / T)
        soft_prob = nnx.log_softmax(student_logits / T)

        # the soft targets loss, scaled by T**2 as suggested by the authors of the paper
        soft_targets_loss = (soft_targets * (jnp.log(soft_targets) - soft_prob)).sum() / soft_prob.shape[0] * (T**2)

        # the true label loss
        label_loss = ce_loss(student_logits, labels)

        # weighted sum of the two losses
        loss = soft_target_loss_weight * soft_targets_loss + ce_loss_weight * label_loss
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(student, grads)
    return loss


def train_knowledge_distillation(teacher, student, train_loader, epochs, learning_rate):
    ce_loss = cross_entropy
    optimizer = nnx.Optimizer(student, optax.adam(learning_rate), wrt=nnx.Param)

    teacher.eval()  # teacher set to evaluation mode
    student.train()  # student to train mode

    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            inputs, labels = jnp.asarray(inputs), jnp.asarray(labels)
            loss = train_student(student, optimizer, teacher, inputs, labels, ce_loss)
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / len(train_loader)}")


def test(model, test_loader):
    model.eval()
    correct, total = 0, 0
    for inputs, labels in test_loader:
        inputs, labels = jnp.asarray(inputs), jnp.asarray(labels)
        _, predicted = max_with_indices(lax.stop_gradient(model(inputs)), axis=1)
        total += labels.shape[0]
        correct += (predicted == labels).sum().item()
    accuracy = 100 * correct / total
    print(f"Test Accuracy: {accuracy:.2f}%")
    return accuracy


teacher = Teacher(rngs=rngs)
train(teacher, train_loader, epochs=2, learning_rate=0.005)
test_accuracy_deep = test(teacher, test_loader)

student = Student(rngs=rngs)
train_knowledge_distillation(teacher, student, train_loader, epochs=2, learning_rate=0.01)
test_accuracy_student = test(student, test_loader)
print(f"Teacher accuracy: {test_accuracy_deep:.2f}%, student accuracy: {test_accuracy_student:.2f}%")
