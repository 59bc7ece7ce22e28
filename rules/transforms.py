"""Transforms of distributions, and the distributions that they make of others."""

from torch2jax.rulebook import *


@rule("torch.distributions.Transform")
def Transform(cache_size: int = 0) -> Object:
    """What all transforms are.

    >>> torch.zeros(1 if isinstance(torch.distributions.Transform(), torch.distributions.Transform) else 2)
    >>> torch.distributions.Transform(cache_size=1)
    """
    if given(cache_size):
        raise Unsupported("a transform of one's own is not translated", "write it by hand")
    return helpers.Transform()


@rule("torch.distributions.TanhTransform", view=True)
def TanhTransform(cache_size: int = 0) -> Object:
    """Hyperbolic tangents; with a cache an image is inverted by what it was computed from.

    >>> tanh, x = torch.distributions.TanhTransform(), f32(2, 3)
    >>> tanh.log_abs_det_jacobian(x, tanh(x)) + tanh.inv(0.5 * tanh(x))

    >>> tanh, x = torch.distributions.TanhTransform(cache_size=1), 30 + f32(2, 3)
    >>> tanh.inv(tanh(x)) + tanh(x) + tanh.log_abs_det_jacobian(x, tanh(x))

    >>> tanh = torch.distributions.TanhTransform(cache_size=1)
    >>> tanh(tanh.inv(0.5 * unit(2, 3)))

    >>> torch.distributions.TanhTransform(2)
    """
    if cache_size == 1:
        return helpers.Cached(helpers.TanhTransform())
    if cache_size != 0:
        raise Unsupported("a size of the cache that is not written as 0 or 1 is not translated", "write 0 or 1")
    return helpers.TanhTransform()


@rule("torch.distributions.SigmoidTransform", view=True)
def SigmoidTransform(cache_size: int = 0) -> Object:
    """Logistic functions, kept between 0 and 1.

    >>> sigmoid, x = torch.distributions.SigmoidTransform(), f32(2, 3)
    >>> sigmoid.log_abs_det_jacobian(x, sigmoid(x)) + sigmoid(x) + sigmoid.inv(unit(2, 3))

    >>> torch.distributions.SigmoidTransform()(torch.tensor([-800.0, 50.0])).log()
    >>> torch.distributions.SigmoidTransform().inv(torch.tensor([0.0, 1.0, 0.5]))

    >>> sigmoid = torch.distributions.SigmoidTransform(cache_size=1)
    >>> sigmoid.inv(sigmoid(60 + f32(2, 3)))

    >>> torch.distributions.SigmoidTransform(2)
    """
    if cache_size == 1:
        return helpers.Cached(helpers.SigmoidTransform())
    if cache_size != 0:
        raise Unsupported("a size of the cache that is not written as 0 or 1 is not translated", "write 0 or 1")
    return helpers.SigmoidTransform()


@rule("torch.distributions.ExpTransform", view=True)
def ExpTransform(cache_size: int = 0) -> Object:
    """Exponentials.

    >>> exp, x = torch.distributions.ExpTransform(), f32(2, 3)
    >>> exp.log_abs_det_jacobian(x, exp(x)) + exp(x) + exp.inv(pos(2, 3))

    >>> exp = torch.distributions.ExpTransform(cache_size=1)
    >>> exp.inv(exp(800 + f32(2, 3)))

    >>> torch.distributions.ExpTransform(2)
    """
    if cache_size == 1:
        return helpers.Cached(helpers.ExpTransform())
    if cache_size != 0:
        raise Unsupported("a size of the cache that is not written as 0 or 1 is not translated", "write 0 or 1")
    return helpers.ExpTransform()


@rule("torch.distributions.SoftplusTransform", view=True)
def SoftplusTransform(cache_size: int = 0) -> Object:
    """Logarithms of 1 + exp(x).

    >>> softplus, x = torch.distributions.SoftplusTransform(), f32(2, 3)
    >>> softplus.log_abs_det_jacobian(x, softplus(x)) + softplus(x) + softplus.inv(pos(2, 3))

    >>> softplus = torch.distributions.SoftplusTransform(cache_size=1)
    >>> softplus.inv(softplus(-800 + f32(2, 3)))

    >>> torch.distributions.SoftplusTransform(2)
    """
    if cache_size == 1:
        return helpers.Cached(helpers.SoftplusTransform())
    if cache_size != 0:
        raise Unsupported("a size of the cache that is not written as 0 or 1 is not translated", "write 0 or 1")
    return helpers.SoftplusTransform()


@rule("torch.distributions.PowerTransform", view=True)
def PowerTransform(exponent: Scalar, cache_size: int = 0) -> Object:
    """Powers of positive numbers.

    >>> power, x = torch.distributions.PowerTransform(pos(3)), pos(2, 3)
    >>> power.log_abs_det_jacobian(x, power(x)) + power(x) + power.inv(2 * x)

    >>> power = torch.distributions.PowerTransform(2.0, cache_size=1)
    >>> power.inv(power(1e200 * pos(2, 3)))

    >>> torch.distributions.PowerTransform(2.0, 2)
    """
    if cache_size == 1:
        return helpers.Cached(helpers.PowerTransform(exponent))
    if cache_size != 0:
        raise Unsupported("a size of the cache that is not written as 0 or 1 is not translated", "write 0 or 1")
    return helpers.PowerTransform(exponent)


@rule("torch.distributions.AffineTransform", view=True)
def AffineTransform(loc: Scalar, scale: Scalar, event_dim: int = 0, cache_size: int = 0) -> Object:
    """Scaled and shifted numbers.

    >>> affine, x = torch.distributions.AffineTransform(f32(2, 3), -pos(3)), f32(2, 3)
    >>> affine.log_abs_det_jacobian(x, affine(x)) + affine(x) + affine.inv(2 * x)

    >>> affine, x = torch.distributions.AffineTransform(1.0, scale=-3.0), f32(2, 3)
    >>> affine.log_abs_det_jacobian(x, affine(x)) + affine(x)

    >>> affine, x = torch.distributions.AffineTransform(2.0, 0.0, cache_size=1), f32(2, 3)
    >>> affine.inv(affine(x)) + affine(x)

    >>> torch.distributions.AffineTransform(0.0, 2.0, 1)
    >>> torch.distributions.AffineTransform(0.0, 2.0, cache_size=2)
    """
    if event_dim != 0:
        raise Unsupported("`event_dim` is not translated", "wrap the base distribution in Independent")
    if cache_size == 1:
        return helpers.Cached(helpers.AffineTransform(loc, scale))
    if cache_size != 0:
        raise Unsupported("a size of the cache that is not written as 0 or 1 is not translated", "write 0 or 1")
    return helpers.AffineTransform(loc, scale)


@rule("torch.distributions.ComposeTransform", view=True)
def ComposeTransform(parts, cache_size: int = 0) -> Object:
    """Transforms one after the other.

    >>> parts = [torch.distributions.AffineTransform(0.5, 3.0), torch.distributions.TanhTransform()]
    >>> both, x = torch.distributions.ComposeTransform(parts), f32(2, 3)
    >>> both.log_abs_det_jacobian(x, both(x)) + both(x) + both.inv(0.5 * unit(2, 3))

    >>> x = f32(2, 3)
    >>> torch.distributions.ComposeTransform([]).log_abs_det_jacobian(x, x)

    >>> parts = [torch.distributions.AffineTransform(0.5, 3.0), torch.distributions.ExpTransform()]
    >>> torch.distributions.TransformedDistribution(
    ...     torch.distributions.Normal(f32(3), pos(3)), torch.distributions.ComposeTransform(parts)
    ... ).log_prob(pos(2, 3))

    >>> torch.distributions.ComposeTransform([torch.distributions.ExpTransform()], cache_size=1)
    """
    if cache_size != 0:
        raise Unsupported("the cache of a composition is not translated", "give `cache_size=1` to its parts")
    return helpers.ComposeTransform(parts)


@rule("torch.distributions.Transform.__call__")
def image(self, x: Scalar) -> Tensor:
    """Images.

    >>> torch.distributions.ExpTransform()(f32(2, 3))
    >>> torch.distributions.ExpTransform().inv(pos(2, 3))
    """
    return self(x)


@attribute("torch.distributions.Transform.inv", view=True)
def inv(self) -> Object:
    """Inverse functions.

    >>> inverse, y = torch.distributions.TanhTransform().inv, 0.5 * unit(2, 3)
    >>> inverse.log_abs_det_jacobian(y, inverse(y)) + inverse.inv(inverse(y))
    """
    return self.inv


@rule("torch.distributions.Transform.log_abs_det_jacobian")
def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
    """Logarithms of slopes.

    >>> x = pos(2, 3)
    >>> torch.distributions.ExpTransform().inv.log_abs_det_jacobian(x, x.log())

    >>> x = pos(2, 3)
    >>> torch.distributions.SigmoidTransform().log_abs_det_jacobian(x, x.sigmoid())
    """
    return self.log_abs_det_jacobian(x, y)


@rule("torch.distributions.TransformedDistribution", view=True)
def TransformedDistribution(base_distribution, transforms, validate_args: Ignored = None) -> Object:
    """What becomes of outcomes by transforms.

    >>> normal = torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1)
    >>> tanh = torch.distributions.TanhTransform(cache_size=1)
    >>> squashed = torch.distributions.TransformedDistribution(normal, [tanh])
    >>> action = squashed.rsample()
    >>> squashed.log_prob(action) + action.sum(-1)

    >>> normal = torch.distributions.Normal(f32(2, 3), pos(3))
    >>> squashed = torch.distributions.TransformedDistribution(normal, torch.distributions.TanhTransform())
    >>> squashed.log_prob(0.5 * unit(2, 3))

    >>> affine = torch.distributions.AffineTransform(f32(2, 3), f32(2, 3) + 4)
    >>> transforms = [affine, torch.distributions.SigmoidTransform(1)]
    >>> moved = torch.distributions.TransformedDistribution(torch.distributions.Normal(0.5, 2.0), transforms)
    >>> action = moved.sample((4,))
    >>> moved.log_prob(action) + action + torch.zeros(moved.batch_shape)

    >>> normal = torch.distributions.Independent(torch.distributions.Normal(f32(3), pos(3)), 1)
    >>> affine = torch.distributions.AffineTransform(f32(2, 3), 1.0)
    >>> moved = torch.distributions.TransformedDistribution(normal, affine)
    >>> moved.rsample() + moved.log_prob(f32(4, 2, 3)).sum() + torch.zeros(moved.batch_shape).sum()

    >>> dirichlet = torch.distributions.Dirichlet(pos(2, 3))
    >>> roots = torch.distributions.TransformedDistribution(dirichlet, torch.distributions.PowerTransform(0.5))
    >>> roots.log_prob(torch.softmax(f32(2, 3), -1).sqrt()) + torch.zeros(roots.batch_shape)

    >>> normal = torch.distributions.Independent(torch.distributions.Normal(f32(3), pos(2, 3)), 1)
    >>> exp = torch.distributions.TransformedDistribution(normal, [torch.distributions.ExpTransform()])
    >>> exp.base_dist.mean + exp.transforms[0](f32(2, 3)) + torch.zeros(exp.event_shape)
    """
    return helpers.TransformedDistribution(base_distribution, transforms)


@attribute("torch.distributions.TransformedDistribution.base_dist", view=True)
def transformed_base(self) -> Object:
    """The distributions of what is transformed.

    >>> affine = torch.distributions.AffineTransform(f32(4, 2, 3), 1.0)
    >>> normal = torch.distributions.Normal(f32(2, 3), pos(3))
    >>> torch.distributions.TransformedDistribution(normal, affine).base_dist.mean
    """
    return self.base_dist


@attribute("torch.distributions.TransformedDistribution.transforms", view=True)
def transforms(self):
    """All transforms, the first one first.

    >>> normal = torch.distributions.Normal(f32(2, 3), pos(3))
    >>> squashed = torch.distributions.TransformedDistribution(normal, torch.distributions.TanhTransform())
    >>> squashed.transforms[0](f32(2, 3))
    """
    return self.transforms
