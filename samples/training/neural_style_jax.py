"""Neural style transfer after Gatys et al.: the pixels of an image are optimised, by L-BFGS and then by Adam."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax
from jax.flatten_util import ravel_pytree

rngs = nnx.Rngs(0)

device = jax.devices()[0]
image_size = 16
content_weight = 1.0
style_weight = 1e3
tv_weight = 1e-3


class VGGFeatures(nnx.Module):
    """The first slices of a small VGG. Its weights are random here, as nothing is downloaded."""

    def __init__(self, requires_grad=False, *, rngs: nnx.Rngs):
        self.slice1 = nnx.Sequential(
            nnx.Conv(3, 8, (3, 3), padding=1, **fan_in_uniform(3, (3, 3)), rngs=rngs), nnx.relu
        )
        self.slice2 = nnx.Sequential(
            nnx.Conv(8, 8, (3, 3), padding=1, **fan_in_uniform(8, (3, 3)), rngs=rngs),
            nnx.relu,
            partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2)),
        )
        self.slice3 = nnx.Sequential(
            nnx.Conv(8, 12, (3, 3), padding=1, **fan_in_uniform(8, (3, 3)), rngs=rngs), nnx.relu
        )
        self.slice4 = nnx.Sequential(
            nnx.Conv(12, 12, (3, 3), padding=1, **fan_in_uniform(12, (3, 3)), rngs=rngs), nnx.relu
        )
        if not requires_grad:
            freeze(self)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        relu1 = self.slice1(x)
        relu2 = self.slice2(relu1)
        relu3 = self.slice3(relu2)
        relu4 = self.slice4(relu3)
        return [
            relu1.transpose(0, 3, 1, 2),
            relu2.transpose(0, 3, 1, 2),
            relu3.transpose(0, 3, 1, 2),
            relu4.transpose(0, 3, 1, 2),
        ]


def gram_matrix(features):
    b, c, h, w = features.shape
    features = features.reshape(b, c, h * w)
    gram = features @ features.swapaxes(1, 2)
    return gram / (c * h * w)


def total_variation(img):
    horizontal = ((img[:, :, :, 1:] - img[:, :, :, :-1]) ** 2).sum()
    vertical = ((img[:, :, 1:, :] - img[:, :, :-1, :]) ** 2).sum()
    return horizontal + vertical


def picture(kind):
    """A synthetic image: a disc as the content, waves as the style."""
    ramp = jnp.linspace(-1, 1, image_size)
    y, x = ramp.reshape(-1, 1), ramp.reshape(1, -1)
    if kind == "disc":
        inside = nnx.sigmoid(8 * (0.6 - jnp.sqrt(x**2 + y**2)))
        channels = [inside, 0.7 * inside, 1 - inside]
    else:
        wave = 0.5 + 0.5 * jnp.sin(9 * x + 4 * y)
        channels = [wave, wave**2, 1 - wave]
    return jnp.stack(channels)[None]


def style_transfer_loss(vgg, img, content_target, style_targets):
    features = vgg(img)
    content_loss = optax.squared_error(features[3], content_target).mean()
    style_loss = 0.0
    for feature, target in zip(features, style_targets):
        style_loss += optax.squared_error(gram_matrix(feature), target).mean()
    return content_weight * content_loss + style_weight * style_loss + tv_weight * total_variation(img)


@nnx.jit(graph=False)
def loss_and_gradients(input_img, vgg, content_target, style_targets):
    graphdef, params, rest = nnx.split((input_img,), nnx.Param, ...)

    def loss_fn(params, rest, vgg):
        (input_img,) = nnx.merge(graphdef, params, rest)
        loss = style_transfer_loss(vgg, input_img[...], content_target, style_targets)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest, vgg)
    return loss, grads


def run_lbfgs(vgg, content_img, content_target, style_targets, num_steps=40):
    input_img = nnx.Param(content_img)
    optimizer = LBFGS((input_img,), max_iter=10)
    run = 0
    while run < num_steps:

        def closure():
            nonlocal run
            loss, grads = loss_and_gradients(input_img, vgg, content_target, style_targets)
            run += 1
            return loss, grads

        loss = optimizer.step(closure)
        # correct the values of the updated image
        input_img[...] = clamp(input_img[...], min=0, max=1)
        print(f"L-BFGS run {run}: loss {loss.item():.6f}")
    return lax.stop_gradient(input_img[...])


@nnx.jit(graph=False)
def train_input_img(input_img, optimizer, vgg, content_target, style_targets):
    graphdef, params, rest = nnx.split((input_img,), nnx.Param, ...)

    def loss_fn(params, rest, vgg):
        (input_img,) = nnx.merge(graphdef, params, rest)
        loss = style_transfer_loss(vgg, input_img[...], content_target, style_targets)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest, vgg)
    optimizer.update((input_img,), grads)
    return loss


def run_adam(vgg, content_img, content_target, style_targets, num_steps=40, *, rngs: nnx.Rngs):
    # start from the content image with some noise
    noise = rngs.normal(content_img.shape, dtype=content_img.dtype)
    input_img = nnx.Param(clamp(content_img + 0.1 * noise, min=0, max=1))
    optimizer = nnx.Optimizer((input_img,), optax.adam(0.02), wrt=nnx.Param)
    for step in range(1, num_steps + 1):
        loss = train_input_img(input_img, optimizer, vgg, content_target, style_targets)
        input_img[...] = clamp(input_img[...], min=0, max=1)
        if step % 10 == 0:
            print(f"Adam step {step}: loss {loss.item():.6f}")
    return lax.stop_gradient(input_img[...])


def main(*, rngs: nnx.Rngs):
    vgg = VGGFeatures(rngs=rngs)
    vgg.eval()
    content_img = picture("disc")
    style_img = picture("waves")
    content_target = vgg(content_img)[3]
    style_targets = [gram_matrix(feature) for feature in vgg(style_img)]

    output = run_lbfgs(vgg, content_img, content_target, style_targets)
    print(f"mean of the image by L-BFGS: {output.mean().item():.4f}")
    output = run_adam(vgg, content_img, content_target, style_targets, rngs=rngs)
    print(f"mean of the image by Adam: {output.mean().item():.4f}")


# Helpers without a Flax equivalent.


def _at(
    evaluate: Callable[[float], tuple[float, jax.Array]], t: float, direction: jax.Array
) -> tuple[float, float, jax.Array, float]:
    """The step length, and the loss, the gradient and its part along the direction there."""
    loss, grad = evaluate(t)
    return t, loss, grad, float(grad @ direction)


def cubic_minimum(
    x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, bounds: tuple[float, float] | None = None
) -> float:
    """Where the cubic through two points with these values and slopes is least, within the bounds."""
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    if x1 <= x2:
        best = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        best = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(best, low), high)


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, jax.Array]],
    t: float,
    direction: jax.Array,
    loss: float,
    grad: jax.Array,
    slope: float,
    tolerance: float = 1e-9,
    max_evaluations: int = 25,
) -> tuple[float, jax.Array, float, int]:
    """A step length along a direction that fulfils the strong Wolfe conditions.

    Args:
        evaluate: Loss and gradient at a step length.
        t: The length to try first.
        direction: Where to go.
        loss: The loss where the line begins.
        grad: The gradient there.
        slope: The gradient along the direction there.
        tolerance: The length of an interval that is not divided further.
        max_evaluations: How often the loss may be evaluated, after the first time.

    Returns:
        The loss and gradient at the step length, the length, and how often the loss was evaluated.
    """
    c1, c2 = 1e-4, 0.9
    largest = float(jnp.abs(direction).max())
    before = (0.0, loss, grad, slope)
    found, number = _at(evaluate, t, direction), 0
    done = False
    while True:
        if number >= max_evaluations:
            bracket = [(0.0, loss, grad, slope), found]
            break
        _, f_new, _, slope_new = found
        if f_new > loss + c1 * found[0] * slope or (number > 1 and f_new >= before[1]):
            bracket = [before, found]
            break
        if abs(slope_new) <= -c2 * slope:
            bracket, done = [found], True
            break
        if slope_new >= 0:
            bracket = [before, found]
            break
        t = found[0]
        bounds = (t + 0.01 * (t - before[0]), t * 10)
        longer = cubic_minimum(before[0], before[1], before[3], t, f_new, slope_new, bounds)
        before, found = found, _at(evaluate, longer, direction)
        number += 1

    stuck = False
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not done and number < max_evaluations:
        (left, f_left, _, slope_left), (right, f_right, _, slope_right) = bracket
        if abs(right - left) * largest < tolerance:
            break
        t = cubic_minimum(left, f_left, slope_left, right, f_right, slope_right)
        nearest, farthest = min(left, right), max(left, right)
        margin = 0.1 * (farthest - nearest)
        if min(farthest - t, t - nearest) < margin:
            at_end = stuck or t >= farthest or t <= nearest
            stuck = not at_end
            if at_end:
                t = farthest - margin if abs(t - farthest) < abs(t - nearest) else nearest + margin
        else:
            stuck = False
        found = _at(evaluate, t, direction)
        number += 1
        if found[1] > loss + c1 * t * slope or found[1] >= bracket[low][1]:
            bracket[high] = found
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        if abs(found[3]) <= -c2 * slope:
            done = True
        elif found[3] * (bracket[high][0] - bracket[low][0]) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = found
    t, loss, grad, _ = bracket[low]
    return loss, grad, t, number + 1


class LBFGS:
    """The parameters of a module, and steps that change them.

    ``model``: an `nnx.Module`, or a tuple of Variables or modules. Other arguments are those of `torch.optim.LBFGS`.
    """

    def __init__(
        self,
        model: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        self.model, self.lr, self.max_iter = model, lr, max_iter
        self.max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        self.tolerance_grad, self.tolerance_change = tolerance_grad, tolerance_change
        self.history_size, self.line_search_fn = history_size, line_search_fn
        self.iterations = 0
        self.changes: list[
            tuple[jax.Array, jax.Array, jax.Array]
        ] = []  # of the gradient and the parameters, 1 / product
        self.scale: Any = 1.0
        self.direction: Any = None
        self.t = 0.0
        self.grad_before: Any = None

    def step(self, closure: Callable[[], tuple[Any, Any]]) -> Any:
        """Take up to ``max_iter`` steps; ``closure`` gives the loss and the gradients. Returns the first loss."""
        first, grad = self._evaluated(closure)
        loss, evaluations = float(first), 1
        if self._is_flat(grad):
            return first
        for number in range(1, self.max_iter + 1):
            self.iterations += 1
            self._choose_direction(grad)
            self.grad_before, loss_before = grad, loss
            self.t = self.lr * min(1.0, 1.0 / float(jnp.abs(grad).sum())) if self.iterations == 1 else self.lr
            slope = float(grad @ self.direction)
            if slope > -self.tolerance_change:
                break
            if self.line_search_fn is not None:
                loss, grad, evaluated = self._searched(closure, loss, grad, slope, self.max_eval - evaluations)
            else:
                self._move(self._place() + self.t * self.direction)
                evaluated = 0
                if number < self.max_iter:
                    value, grad = self._evaluated(closure)
                    loss, evaluated = float(value), 1
            evaluations += evaluated
            if evaluations >= self.max_eval or self._is_flat(grad):
                break
            if float(jnp.abs(self.t * self.direction).max()) <= self.tolerance_change:
                break
            if abs(loss - loss_before) < self.tolerance_change:
                break
        return first

    def _searched(
        self, closure: Callable[[], tuple[Any, Any]], loss: float, grad: jax.Array, slope: float, left: int
    ) -> tuple[float, jax.Array, int]:
        """Go along the direction as far as a line search says."""
        place = self._place()

        def evaluate(t: float) -> tuple[float, jax.Array]:
            self._move(place + t * self.direction)
            value, flat = self._evaluated(closure)
            self._move(place)
            return float(value), flat

        loss, grad, self.t, number = strong_wolfe(
            evaluate, self.t, self.direction, loss, grad, slope, max_evaluations=left
        )
        self._move(place + self.t * self.direction)
        return loss, grad, number

    def _choose_direction(self, grad: jax.Array) -> None:
        """Minus the gradient, times the inverse of the Hessian as far as it is known from past steps."""
        if self.iterations == 1:
            self.direction = -grad
            return
        change, moved = grad - self.grad_before, self.t * self.direction
        product = change @ moved
        if product > 1e-10:
            self.changes = [*self.changes, (change, moved, 1.0 / product)][-self.history_size :]
            self.scale = product / (change @ change)
        direction, shares = -grad, []
        for change, moved, inverse in reversed(self.changes):
            share = (moved @ direction) * inverse
            direction = direction - share * change
            shares.append(share)
        direction = direction * self.scale
        for (change, moved, inverse), share in zip(self.changes, reversed(shares), strict=True):
            direction = direction + moved * (share - (change @ direction) * inverse)
        self.direction = direction

    def _is_flat(self, grad: jax.Array) -> bool:
        return bool(jnp.abs(grad).max() <= self.tolerance_grad)

    def _evaluated(self, closure: Callable[[], tuple[Any, Any]]) -> tuple[Any, jax.Array]:
        loss, grads = closure()
        return loss, ravel_pytree(grads)[0]

    def _place(self) -> jax.Array:
        """All parameters in a row."""
        return ravel_pytree(nnx.state(self.model, nnx.Param))[0]

    def _move(self, place: jax.Array) -> None:
        _, unravel = ravel_pytree(nnx.state(self.model, nnx.Param))
        nnx.update(self.model, unravel(place))


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


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


if __name__ == "__main__":
    main(rngs=rngs)
