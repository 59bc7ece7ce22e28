"""Invertible functions and what they make of distributions, with the formulas of `torch.distributions.transforms`.

Each is a pytree of its parameters. `log_abs_det_jacobian(x, y)` is the logarithm of the slope at `x`; `y` is its image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.distributions import Distribution


class Transform:
    """An invertible function of each element."""

    @property
    def inv(self) -> Any:
        """The inverse function."""
        return Inverse(self)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        raise NotImplementedError(f"{type(self).__name__} can't be computed")

    def constant(self, x: jax.Array) -> jax.Array:
        """The image of `x`, which no gradient flows through."""
        return jax.lax.stop_gradient(self(x))

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        raise NotImplementedError(f"{type(self).__name__} can't be inverted")

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        raise NotImplementedError(f"{type(self).__name__} has no slope")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Inverse(Transform):
    """The inverse of a transform."""

    transform: Any

    @property
    def inv(self) -> Any:
        """The inverse function."""
        return self.transform

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        image: jax.Array = self.transform.inverse(x)
        return image

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        x: jax.Array = self.transform(y)
        return x

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        slope: jax.Array = self.transform.log_abs_det_jacobian(y, x)
        return -slope


@jax.tree_util.register_dataclass
@dataclass(eq=False)
class Cached(Transform):
    """A transform that knows what its last image came from, so that inverting that one loses nothing.

    The image is recognised as an object: inside of one function, traced or not, and not across calls of `jax.jit`.
    """

    transform: Any

    def __post_init__(self) -> None:
        """Nothing is known at first."""
        self.last: Any = (None, None)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return self._image(x, self.transform)

    def constant(self, x: jax.Array) -> jax.Array:
        """The image of `x`, which no gradient flows through."""
        return self._image(x, self.transform.constant)

    def _image(self, x: jax.Array, function: Any) -> jax.Array:
        if self.last[0] is not x:
            self.last = (x, function(x))
        image: jax.Array = self.last[1]
        return image

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        if self.last[1] is not y:
            self.last = (self.transform.inverse(y), y)
        x: jax.Array = self.last[0]
        return x

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        slope: jax.Array = self.transform.log_abs_det_jacobian(x, y)
        return slope


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TanhTransform(Transform):
    """tanh(x)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return jnp.tanh(x)

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of; infinite where that is -1 or 1."""
        return jnp.arctanh(y)

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`: 1 - tanh(x)**2 without its cancellation."""
        return 2.0 * (math.log(2.0) - x - jax.nn.softplus(-2.0 * x))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SigmoidTransform(Transform):
    """1 / (1 + exp(-x)), kept between 0 and 1."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return _inside_unit_interval(jax.nn.sigmoid(x))

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        y = _inside_unit_interval(y)
        return jnp.log(y) - jnp.log1p(-y)

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        return -jax.nn.softplus(-x) - jax.nn.softplus(x)


def _inside_unit_interval(y: jax.Array) -> jax.Array:
    info = jnp.finfo(y.dtype)  # type: ignore[no-untyped-call]
    return jnp.clip(y, float(info.tiny), 1.0 - float(info.eps))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ExpTransform(Transform):
    """exp(x)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return jnp.exp(x)

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        return jnp.log(y)

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        return x


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SoftplusTransform(Transform):
    """log(1 + exp(x))."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return jax.nn.softplus(x)

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        return jnp.log(-jnp.expm1(-y)) + y

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        return -jax.nn.softplus(-x)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PowerTransform(Transform):
    """x ** exponent, of positive x."""

    exponent: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return jnp.asarray(x**self.exponent)

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        return jnp.asarray(y ** (1 / self.exponent))

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        return jnp.log(jnp.abs(self.exponent * y / x))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AffineTransform(Transform):
    """loc + scale * x."""

    loc: Any
    scale: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        return jnp.asarray(self.loc + self.scale * x)

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        return jnp.asarray((y - self.loc) / self.scale)

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        return jnp.broadcast_to(jnp.log(jnp.abs(self.scale)), x.shape)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ComposeTransform(Transform):
    """Transforms one after the other."""

    parts: Any

    @property
    def inv(self) -> Any:
        """The inverse function."""
        return ComposeTransform([part.inv for part in reversed(self.parts)])

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image of `x`."""
        for part in self.parts:
            x = part(x)
        return x

    def inverse(self, y: jax.Array) -> jax.Array:
        """What `y` is the image of."""
        for part in reversed(self.parts):
            y = part.inverse(y)
        return y

    def log_abs_det_jacobian(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The logarithm of the slope at `x`."""
        slope = jnp.zeros_like(x)
        for part in self.parts[:-1]:
            image = part(x)
            slope, x = slope + part.log_abs_det_jacobian(x, image), image
        if not self.parts:
            return slope
        return jnp.asarray(slope + self.parts[-1].log_abs_det_jacobian(x, y))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TransformedDistribution(Distribution):
    """What becomes of the outcomes of `base` by one transform, or by several, one after the other."""

    base: Any
    transform: Any

    @property
    def transforms(self) -> Any:
        """All transforms, the first one first."""
        return self.transform if isinstance(self.transform, list | tuple) else [self.transform]

    @property
    def base_dist(self) -> Any:
        """The distributions of what is transformed, as many as the transforms' parameters make of them."""
        base, events = self.base, len(self.base.event_shape)
        parameters = [jnp.shape(each) for each in jax.tree.leaves(self.transforms)]
        shape = jnp.broadcast_shapes((*base.batch_shape, *base.event_shape), *parameters)
        batch_shape = shape[: len(shape) - events]
        return base if batch_shape == base.batch_shape else base.expand(batch_shape)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        shape: tuple[int, ...] = self.base_dist.batch_shape
        return shape

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        shape: tuple[int, ...] = self.base.event_shape
        return shape

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        x: jax.Array = self.base_dist.rsample(rngs, sample_shape)
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        x: jax.Array = self.base_dist.sample(rngs, sample_shape)
        for transform in self.transforms:
            x = transform.constant(x)
        return x

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        axes = tuple(range(-len(self.event_shape), 0))
        log_slope: Any = 0.0
        for transform in reversed(self.transforms):
            x = transform.inverse(value)
            log_slope = log_slope + transform.log_abs_det_jacobian(x, value).sum(axes)
            value = x
        return jnp.asarray(self.base.log_prob(value) - log_slope)
