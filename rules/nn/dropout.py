"""Dropout, as layers and as functions."""

from torch2jax.rulebook import *


@rule("torch.nn.Dropout", mode="pointwise", fresh=False)
def Dropout(p=0.5, inplace: Ignored = False) -> Module:
    """Sets elements to zero at random in training.

    >>> nn.Dropout(0.3)(f32(2, 3).detach())  # random
    >>> nn.Dropout(p=0.0)(f32(2, 3))
    >>> nn.Dropout(1.0)(f32(2, 3))
    """
    return nnx.Dropout(p, rngs=rngs)


@Dropout.attributes
def _(torch, flax):
    torch.p: float = flax.rate
    torch.training: bool = not flax.deterministic


@rule("torch.nn.Dropout1d", layout="N C L -> N L C", fresh=False)
def Dropout1d(p=0.5, inplace: Ignored = False) -> Module:
    """Sets whole channels to zero at random in training.

    >>> nn.Dropout1d(0.3)(f32(2, 3, 4).detach())  # random
    >>> nn.Dropout1d(p=0.0)(f32(2, 3, 4))

    >>> y = nn.Dropout1d(0.3)(torch.ones(2, 3, 4))
    >>> (y == y[:, :, :1]).all()
    """
    return nnx.Dropout(p, broadcast_dims=(1,), rngs=rngs)


@Dropout1d.attributes
def _(torch, flax):
    torch.p: float = flax.rate
    torch.training: bool = not flax.deterministic


@rule("torch.nn.Dropout2d", layout="N C H W -> N H W C", fresh=False)
def Dropout2d(p=0.5, inplace: Ignored = False) -> Module:
    """Sets whole channels to zero at random in training.

    >>> nn.Dropout2d(0.3)(f32(2, 3, 4, 5).detach())  # random
    >>> nn.Dropout2d(p=0.0)(f32(2, 3, 4, 5))

    >>> y = nn.Dropout2d(0.3)(torch.ones(2, 3, 4, 5))
    >>> (y == y[:, :, :1, :1]).all()
    """
    return nnx.Dropout(p, broadcast_dims=(1, 2), rngs=rngs)


@Dropout2d.attributes
def _(torch, flax):
    torch.p: float = flax.rate
    torch.training: bool = not flax.deterministic


@rule("torch.nn.Dropout3d", layout="N C D H W -> N D H W C", fresh=False)
def Dropout3d(p=0.5, inplace: Ignored = False) -> Module:
    """Sets whole channels to zero at random in training.

    >>> nn.Dropout3d(0.3)(f32(2, 3, 4, 5, 6).detach())  # random
    >>> nn.Dropout3d(p=0.0)(f32(2, 3, 4, 5, 6))

    >>> y = nn.Dropout3d(0.3)(torch.ones(2, 3, 4, 5, 6))
    >>> (y == y[:, :, :1, :1, :1]).all()
    """
    return nnx.Dropout(p, broadcast_dims=(1, 2, 3), rngs=rngs)


@Dropout3d.attributes
def _(torch, flax):
    torch.p: float = flax.rate
    torch.training: bool = not flax.deterministic


@rule("torch.nn.AlphaDropout", mode="pointwise", fresh=False)
def AlphaDropout(p=0.5, inplace: Ignored = False) -> Module:
    """Dropout that keeps mean and variance.

    >>> nn.AlphaDropout(0.3)(f32(2, 3).detach())  # random
    >>> nn.AlphaDropout(p=0.0)(f32(2, 3))
    """
    return helpers.AlphaDropout(p, rngs=rngs)


@rule("torch.nn.FeatureAlphaDropout", layout="N C ... -> N ... C", fresh=False)
def FeatureAlphaDropout(p=0.5, inplace: Ignored = False) -> Module:
    """Dropout of whole channels that keeps mean and variance.

    >>> nn.FeatureAlphaDropout(0.3)(f32(2, 3, 4, 5).detach())  # random
    >>> nn.FeatureAlphaDropout(p=0.0)(f32(2, 3, 4, 5))

    >>> y = nn.FeatureAlphaDropout(0.3)(torch.ones(2, 3, 4, 5))
    >>> (y == y[:, :, :1, :1]).all()
    """
    return helpers.AlphaDropout(p, whole_features=True, rngs=rngs)


@rule("torch.nn.functional.dropout", "torch.nn.functional.dropout_", mode="pointwise", fresh=False)
def dropout(input: Tensor, p: Ignored = 0.5, training: bool = True, inplace: Inplace = False) -> Tensor:
    """Sets elements to zero at random.

    >>> F.dropout(f32(2, 3).detach())  # random
    >>> F.dropout(f32(2, 3).detach(), 0.3, training=bool(1))  # random
    >>> F.dropout(f32(2, 3), p=0.3, training=False)
    >>> F.dropout(f32(2, 3), 0.0)
    >>> F.dropout(f32(2, 3), 1.0)
    >>> F.dropout(f32(2, 3), 1.0, training=bool(1))
    >>> F.dropout(f32(2, 3), 1.0, training=bool(0))
    """
    if not training:
        return input
    if training:
        return nnx.Dropout(p)(input, deterministic=False, rngs=rngs)
    return nnx.Dropout(p)(input, deterministic=not training, rngs=rngs)


@rule("torch.dropout", "torch.dropout_", mode="pointwise", fresh=False)
def dropout_native(input: Tensor, p: Ignored, train: bool) -> Tensor:
    """Sets elements to zero at random.

    >>> torch.dropout(f32(2, 3).detach(), 0.3, True)  # random
    >>> torch.dropout(f32(2, 3).detach(), 0.3, train=bool(1))  # random
    >>> torch.dropout(f32(2, 3), 0.3, False)
    >>> torch.dropout(f32(2, 3), 1.0, True)
    >>> torch.dropout(f32(2, 3), 1.0, train=bool(1))
    >>> torch.dropout(f32(2, 3), 1.0, train=bool(0))
    """
    if not train:
        return input
    if train:
        return nnx.Dropout(p)(input, deterministic=False, rngs=rngs)
    return nnx.Dropout(p)(input, deterministic=not train, rngs=rngs)


@rule("torch.nn.functional.dropout1d", layout="N C L -> N L C", fresh=False)
def dropout1d(input: Tensor, p: Ignored = 0.5, training: bool = True, inplace: Inplace = False) -> Tensor:
    """Sets whole channels to zero at random.

    >>> F.dropout1d(f32(2, 3, 4).detach(), 0.3)  # random
    >>> F.dropout1d(f32(2, 3, 4).detach(), training=bool(1))  # random
    >>> F.dropout1d(f32(2, 3, 4), training=False)
    >>> F.dropout1d(f32(2, 3, 4), 1.0)
    >>> F.dropout1d(f32(2, 3, 4), 1.0, training=bool(0))

    >>> y = F.dropout1d(torch.ones(2, 3, 4), 0.3)
    >>> (y == y[:, :, :1]).all()

    >>> y = F.dropout1d(torch.ones(2, 3, 4), training=bool(1))
    >>> (y == y[:, :, :1]).all()
    """
    if not training:
        return input
    if training:
        return nnx.Dropout(p, broadcast_dims=(1,))(input, deterministic=False, rngs=rngs)
    return nnx.Dropout(p, broadcast_dims=(1,))(input, deterministic=not training, rngs=rngs)


@rule("torch.nn.functional.dropout2d", layout="N C H W -> N H W C", fresh=False)
def dropout2d(input: Tensor, p: Ignored = 0.5, training: bool = True, inplace: Inplace = False) -> Tensor:
    """Sets whole channels to zero at random.

    >>> F.dropout2d(f32(2, 3, 4, 5).detach(), 0.3)  # random
    >>> F.dropout2d(f32(2, 3, 4, 5).detach(), training=bool(1))  # random
    >>> F.dropout2d(f32(2, 3, 4, 5), training=False)
    >>> F.dropout2d(f32(2, 3, 4, 5), 1.0)
    >>> F.dropout2d(f32(2, 3, 4, 5), 1.0, training=bool(0))

    >>> y = F.dropout2d(torch.ones(2, 3, 4, 5), 0.3)
    >>> (y == y[:, :, :1, :1]).all()

    >>> y = F.dropout2d(torch.ones(2, 3, 4, 5), training=bool(1))
    >>> (y == y[:, :, :1, :1]).all()
    """
    if not training:
        return input
    if training:
        return nnx.Dropout(p, broadcast_dims=(1, 2))(input, deterministic=False, rngs=rngs)
    return nnx.Dropout(p, broadcast_dims=(1, 2))(input, deterministic=not training, rngs=rngs)


@rule("torch.nn.functional.dropout3d", layout="N C D H W -> N D H W C", fresh=False)
def dropout3d(input: Tensor, p: Ignored = 0.5, training: bool = True, inplace: Inplace = False) -> Tensor:
    """Sets whole channels to zero at random.

    >>> F.dropout3d(f32(2, 3, 4, 5, 6).detach(), 0.3)  # random
    >>> F.dropout3d(f32(2, 3, 4, 5, 6).detach(), training=bool(1))  # random
    >>> F.dropout3d(f32(2, 3, 4, 5, 6), training=False)
    >>> F.dropout3d(f32(2, 3, 4, 5, 6), 1.0)
    >>> F.dropout3d(f32(2, 3, 4, 5, 6), 1.0, training=bool(0))

    >>> y = F.dropout3d(torch.ones(2, 3, 4, 5, 6), 0.3)
    >>> (y == y[:, :, :1, :1, :1]).all()

    >>> y = F.dropout3d(torch.ones(2, 3, 4, 5, 6), training=bool(1))
    >>> (y == y[:, :, :1, :1, :1]).all()
    """
    if not training:
        return input
    if training:
        return nnx.Dropout(p, broadcast_dims=(1, 2, 3))(input, deterministic=False, rngs=rngs)
    return nnx.Dropout(p, broadcast_dims=(1, 2, 3))(input, deterministic=not training, rngs=rngs)


@rule("torch.nn.functional.alpha_dropout", "torch.nn.functional.feature_alpha_dropout", fresh=False)
def alpha_dropout(input: Tensor, p: Ignored = 0.5, training: bool = False, inplace: Inplace = False) -> Tensor:
    """Dropout that keeps mean and variance.

    >>> F.alpha_dropout(f32(2, 3))
    >>> F.alpha_dropout(f32(2, 3).detach(), training=True)
    """
    if not training:
        return input
    raise Unsupported("alpha dropout as a function", "build nn.AlphaDropout in __init__ and call it")
