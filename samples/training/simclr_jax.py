"""SimCLR: contrastive pre-training on two augmented views of each image, then a linear classifier on the features."""

import copy
import math
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.utils.data import DataLoader, Dataset, default_collate

torch.manual_seed(42)
rngs = nnx.Rngs(42)

NUM_CLASSES = 4
batch_size = 16
n_views = 2
temperature = 0.5
device = jax.devices()[0]


class GaussianNoise:
    def __init__(self, std):
        self.std = std

    def __call__(self, img):
        return img + self.std * torch.randn_like(img)


class RandomFlip:
    def __call__(self, img):
        if torch.rand(1).item() < 0.5:
            return torch.flip(img, [2])
        return img


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for t in self.transforms:
            img = t(img)
        return img


class ContrastiveLearningViewGenerator:
    """Take two random crops of one image as the query and key."""

    def __init__(self, base_transform, n_views=2):
        self.base_transform = base_transform
        self.n_views = n_views

    def __call__(self, x):
        return [self.base_transform(x) for _ in range(self.n_views)]


class Patterns(Dataset):
    """Noisy images of four patterns."""

    def __init__(self, count, transform=None):
        self.labels = torch.arange(count) % NUM_CLASSES
        base = torch.randn(NUM_CLASSES, 3, 8, 8)
        self.images = base[self.labels] + 0.5 * torch.randn(count, 3, 8, 8)
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, label = self.images[index], self.labels[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, label


class Encoder(nnx.Module):
    def __init__(self, feature_dim=16, *, rngs: nnx.Rngs):
        self.conv = nnx.Sequential(
            nnx.Conv(3, 8, (3, 3), padding=1, use_bias=False, **fan_in_uniform(3, (3, 3)), rngs=rngs),
            BatchNorm(8, rngs=rngs),
            nnx.relu,
            partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2)),
            nnx.Conv(8, feature_dim, (3, 3), padding=1, use_bias=False, **fan_in_uniform(8, (3, 3)), rngs=rngs),
            BatchNorm(feature_dim, rngs=rngs),
            nnx.relu,
            partial(jnp.mean, axis=(1, 2), keepdims=True),
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.conv(x)
        return x.reshape(x.shape[0], -1)


class SimCLRModel(nnx.Module):
    def __init__(self, encoder, feature_dim=16, projection_dim=8, *, rngs: nnx.Rngs):
        self.encoder = encoder
        self.projector = nnx.Sequential(
            nnx.Linear(feature_dim, feature_dim, use_bias=False, **fan_in_uniform(feature_dim), rngs=rngs),
            nnx.relu,
            nnx.Linear(feature_dim, projection_dim, use_bias=False, **fan_in_uniform(feature_dim), rngs=rngs),
        )

    def __call__(self, x):
        h = self.encoder(x)
        return self.projector(h)


@nnx.jit(graph=False, static_argnames=("info_nce_loss", "criterion"))
def train_model(model, optimizer, images, info_nce_loss, criterion):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)

        features = model(images)
        logits, labels = info_nce_loss(features)
        loss = criterion(logits, labels)
        return loss, (logits, labels)

    (loss, (logits, labels)), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    optimizer.update(model, grads)
    return loss, logits, labels


class SimCLR:
    def __init__(self, model, optimizer, scheduler, epochs):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.epochs = epochs
        self.criterion = cross_entropy

    def info_nce_loss(self, features):
        labels = np.concatenate([np.arange(features.shape[0] // n_views) for i in range(n_views)])
        labels = (labels[None] == labels[:, None]).astype(jnp.float32)

        features = l2_normalize(features)

        similarity_matrix = features @ features.T

        # discard the main diagonal from both: labels and similarities matrix
        mask = np.eye(labels.shape[0], dtype=bool)
        labels = labels[~mask].reshape(labels.shape[0], -1)
        similarity_matrix = similarity_matrix[~mask].reshape(similarity_matrix.shape[0], -1)

        # select and combine multiple positives
        positives = similarity_matrix[labels.astype(bool)].reshape(labels.shape[0], -1)

        # select only the negatives
        negatives = similarity_matrix[~labels.astype(bool)].reshape(similarity_matrix.shape[0], -1)

        logits = jnp.concatenate([positives, negatives], axis=1)
        labels = jnp.zeros((logits.shape[0],), dtype=jnp.int32)

        logits = logits / temperature
        return logits, labels

    def train(self, train_loader):
        n_iter = 0
        for epoch_counter in range(self.epochs):
            top1 = 0.0
            for images, _ in train_loader:
                images = jnp.concatenate(to_jax(images))
                loss, logits, labels = train_model(
                    self.model, self.optimizer, images, self.info_nce_loss, self.criterion
                )

                top1 += (logits.argmax(axis=1) == labels).astype(jnp.float32).mean().item()
                if n_iter % 10 == 0:
                    print(f"iter {n_iter} loss {loss.item():.4f} lr {self.scheduler.get_last_lr()[0]:.5f}")
                n_iter += 1

            # warmup for the first epoch
            if epoch_counter >= 1:
                self.scheduler.step()
            print(f"Epoch: {epoch_counter}\tTop1 accuracy: {top1 / len(train_loader):.3f}")


@nnx.jit(graph=False, static_argnames=("criterion",))
def train_classifier(classifier, optimizer, encoder, images, labels, criterion):
    features = encoder(images)
    graphdef, params, rest = nnx.split(classifier, nnx.Param, ...)

    def loss_fn(params, rest):
        classifier = nnx.merge(graphdef, params, rest)
        outputs = classifier(features)
        loss = criterion(outputs, labels)
        return loss, outputs

    (loss, outputs), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    optimizer.update(classifier, grads)
    return loss, outputs


def linear_evaluation(encoder, epochs=2, *, rngs: nnx.Rngs):
    """A linear classifier on frozen features."""
    loader = DataLoader(Patterns(64), batch_size=16, shuffle=True, collate_fn=numpy_collate)
    freeze(encoder)
    encoder.eval()
    classifier = nnx.Linear(16, NUM_CLASSES, **fan_in_uniform(16), rngs=rngs)
    optimizer = nnx.Optimizer(classifier, optax.sgd(0.5, momentum=0.9), wrt=nnx.Param)
    criterion = cross_entropy
    for epoch in range(epochs):
        total_loss, correct, total = 0.0, 0, 0
        for images, labels in loader:
            images, labels = jnp.asarray(images), jnp.asarray(labels)
            loss, outputs = train_classifier(classifier, optimizer, encoder, images, labels, criterion)
            total_loss += loss.item() * labels.shape[0]
            correct += (outputs.argmax(axis=1) == labels).sum().item()
            total += labels.shape[0]
        print(f"linear epoch {epoch}: loss {total_loss / total:.4f} accuracy {correct / total:.3f}")


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    if not hasattr(state, "inner_states"):
        return [state.hyperparams]
    # the parameters that are in no group have no hyperparameters
    groups = [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
    return [group.hyperparams for group in groups if hasattr(group, "hyperparams")]


def learning_rates(optimizer: Any) -> list[float]:
    """The rates of an optimizer's groups: the shortest numbers that round to the arrays' values."""
    return [float(str(np.asarray(group["learning_rate"][...]))) for group in hyperparams(optimizer)]


def set_hyperparameter(variable: nnx.Variable[jax.Array], number: float) -> None:
    """Gives a Variable another number, in the dtype that it has; cheaper than a write into its array."""
    if not jnp.issubdtype(variable.dtype, jnp.floating):
        raise TypeError(
            f"a hyperparameter of dtype {variable.dtype} can't hold {number}: build the optimizer with floats"
        )
    variable.set_value(jnp.asarray(number, variable.dtype))


def set_learning_rates(optimizer: Any, rates: Iterable[float]) -> None:
    """Gives each group of an optimizer a rate."""
    for group, rate in zip(hyperparams(optimizer), rates, strict=True):
        set_hyperparameter(group["learning_rate"], rate)


class Schedule:
    """Sets the rates of an optimizer at every `step`, starting when it is built.

    `base_lrs` are the rates that the optimizer had before any scheduler came to it.
    """

    def __init__(self, optimizer: Any) -> None:
        if not hasattr(optimizer, "initial_lrs"):
            optimizer.initial_lrs = tuple(learning_rates(optimizer))
        self.optimizer = optimizer
        self.base_lrs: list[float] = list(optimizer.initial_lrs)
        self.last_epoch = -1
        self.last_lrs: list[float] = []
        self.start()

    def start(self) -> None:
        """Set the rates of the first epoch."""
        self.starting = True
        self.step()
        self.starting = False

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to the one that is given."""
        self.update(epoch)

    def update(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of the one that is given."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.set_rates(self._following() if epoch is None else self._at_epoch())

    def _following(self) -> list[float]:
        """The rates of `last_epoch`, from the rates before."""
        raise NotImplementedError

    def _at_epoch(self) -> list[float]:
        """The rates of `last_epoch`, from the first ones."""
        return self._following()

    def rates(self) -> list[float]:
        """The rates of now; those that were set here are exact, not rounded to the precision of arrays."""
        found = learning_rates(self.optimizer)
        dtypes = [group["learning_rate"].dtype for group in hyperparams(self.optimizer)]
        known = zip(found, self.last_lrs or found, dtypes, strict=True)
        return [last if rate == float(str(np.asarray(last, dtype))) else rate for rate, last, dtype in known]

    def scaled(self, factor: float) -> list[float]:
        """The rates of now times a factor."""
        return [rate * factor for rate in self.rates()]

    def set_rates(self, rates: Sequence[float]) -> None:
        """Give each group of the optimizer its rate."""
        set_learning_rates(self.optimizer, rates)
        self.last_lrs = list(rates)

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """All that changes with the steps, and the settings, without functions."""
        return {name: value for name, value in vars(self).items() if name not in ("optimizer", "functions")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state_dict)


class CosineSchedule(Schedule):
    """Takes the rates to `eta_min` along half a wave of a cosine in `T_max` epochs, and up again after that."""

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.starting:
            return self.rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the rate before is eta_min
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [rate + (base - self.eta_min) * rise for rate, base in zip(self.rates(), self.base_lrs, strict=True)]
        height, before = (1 + math.cos(math.pi * n / self.T_max) for n in (self.last_epoch, self.last_epoch - 1))
        return [height / before * (rate - self.eta_min) + self.eta_min for rate in self.rates()]

    def _at_epoch(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


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


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def set_trainable(target: Any, trainable: bool) -> Any:
    """Makes a parameter, or every parameter of a module, an `nnx.Param` or `Frozen`, and gives it back.

    The Variables change their class in place, so that a parameter with several owners stays one.
    """
    nodes = [target] if isinstance(target, nnx.Variable) else [node for _, node in nnx.iter_graph(target)]
    for node in nodes:
        if isinstance(node, nnx.Param | Frozen):
            node.__class__ = nnx.Param if trainable else Frozen
    return target


def freeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, out of training."""
    return set_trainable(target, False)


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def l2_normalize(x: jax.Array, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its Euclidean norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(l2_norm(x, axis, keepdims=True), eps)


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


def to_jax(batch: Any) -> Any:
    """The arrays and tensors of a batch as JAX arrays; names, numbers and other things stay."""
    kinds = (np.ndarray, torch.Tensor)
    return map_nested(lambda item: jnp.asarray(item) if isinstance(item, kinds) else item, batch)


transform = ContrastiveLearningViewGenerator(Compose([RandomFlip(), GaussianNoise(0.2)]), n_views)
train_dataset = Patterns(224, transform)
train_loader = DataLoader(train_dataset, batch_size=batch_size, shuffle=True, drop_last=True, collate_fn=numpy_collate)

model = SimCLRModel(Encoder(rngs=rngs), rngs=rngs)
optimizer = nnx.Optimizer(
    model,
    optax.inject_hyperparams(
        lambda learning_rate: optax.chain(optax.add_decayed_weights(1e-4), optax.adam(learning_rate))
    )(learning_rate=0.003),
    wrt=nnx.Param,
)
scheduler = CosineSchedule(optimizer, T_max=len(train_loader))
simclr = SimCLR(model=model, optimizer=optimizer, scheduler=scheduler, epochs=3)
simclr.train(train_loader)
linear_evaluation(model.encoder, rngs=rngs)
