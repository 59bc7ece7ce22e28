"""Padding layers. torch lists widths from the last axis backwards."""

from torch2jax.rulebook import *


@rule("torch.nn.ZeroPad1d", layout="N C L -> N L C")
def ZeroPad1d(padding) -> Module:
    """Zeros around the input.

    >>> nn.ZeroPad1d(2)(f32(2, 3, 9))
    >>> nn.ZeroPad1d((1, 2))(f32(2, 3, 9))
    >>> nn.ZeroPad1d((-1, 2))(f32(2, 3, 9))
    >>> nn.ZeroPad1d(int("1"))(f32(2, 3, 9))
    >>> nn.ZeroPad1d(-1)(f32(2, 3, 9))
    >>> nn.ZeroPad1d((-1, 2))(f32(2, 3, 9))
    >>> nn.ZeroPad1d((1, -1))(f32(2, 3, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (0, 0)))
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and padding[0] >= 0 and padding[1] >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding[0], padding[1]), (0, 0)))
    return partial(helpers.pad_spatial, padding=padding)


@rule("torch.nn.ConstantPad1d", layout="N C L -> N L C")
def ConstantPad1d(padding, value) -> Module:
    """A constant around the input.

    >>> nn.ConstantPad1d(2, 1.5)(f32(2, 3, 9))
    >>> nn.ConstantPad1d((1, 2), value=0)(f32(2, 3, 9))
    >>> nn.ConstantPad1d((-1, 2), 0.5)(f32(2, 3, 9))
    >>> nn.ConstantPad1d(-1, 0.5)(f32(2, 3, 9))
    >>> nn.ConstantPad1d((-1, 2), 0.5)(f32(2, 3, 9))
    >>> nn.ConstantPad1d((1, -1), 0.5)(f32(2, 3, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (0, 0)), constant_values=value)
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and padding[0] >= 0 and padding[1] >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding[0], padding[1]), (0, 0)), constant_values=value)
    return partial(helpers.pad_spatial, padding=padding, value=value)


@rule("torch.nn.ReflectionPad1d", layout="N C L -> N L C")
def ReflectionPad1d(padding) -> Module:
    """The input mirrored at its borders.

    >>> nn.ReflectionPad1d(2)(f32(2, 3, 9))
    >>> nn.ReflectionPad1d((1, 2))(f32(2, 3, 9))
    >>> nn.ReflectionPad1d(int("1"))(f32(2, 3, 9))
    >>> nn.ReflectionPad1d(-1)(f32(2, 3, 9))
    >>> nn.ReflectionPad1d((-1, 2))(f32(2, 3, 9))
    >>> nn.ReflectionPad1d((1, -1))(f32(2, 3, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (0, 0)), mode="reflect")
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and padding[0] >= 0 and padding[1] >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding[0], padding[1]), (0, 0)), mode="reflect")
    return partial(helpers.pad_spatial, padding=padding, mode="reflect")


@rule("torch.nn.ReplicationPad1d", layout="N C L -> N L C")
def ReplicationPad1d(padding) -> Module:
    """The border values repeated.

    >>> nn.ReplicationPad1d(2)(f32(2, 3, 9))
    >>> nn.ReplicationPad1d((1, 2))(f32(2, 3, 9))
    >>> nn.ReplicationPad1d(int("1"))(f32(2, 3, 9))
    >>> nn.ReplicationPad1d(-1)(f32(2, 3, 9))
    >>> nn.ReplicationPad1d((-1, 2))(f32(2, 3, 9))
    >>> nn.ReplicationPad1d((1, -1))(f32(2, 3, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (0, 0)), mode="edge")
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and padding[0] >= 0 and padding[1] >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding[0], padding[1]), (0, 0)), mode="edge")
    return partial(helpers.pad_spatial, padding=padding, mode="edge")


@rule("torch.nn.CircularPad1d", layout="N C L -> N L C")
def CircularPad1d(padding) -> Module:
    """The input repeated.

    >>> nn.CircularPad1d(2)(f32(2, 3, 9))
    >>> nn.CircularPad1d((1, 2))(f32(2, 3, 9))
    >>> nn.CircularPad1d(int("1"))(f32(2, 3, 9))
    >>> nn.CircularPad1d(-1)(f32(2, 3, 9))
    >>> nn.CircularPad1d((-1, 2))(f32(2, 3, 9))
    >>> nn.CircularPad1d((1, -1))(f32(2, 3, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (0, 0)), mode="wrap")
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and padding[0] >= 0 and padding[1] >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding[0], padding[1]), (0, 0)), mode="wrap")
    return partial(helpers.pad_spatial, padding=padding, mode="wrap")


@rule("torch.nn.ZeroPad2d", layout="N C H W -> N H W C")
def ZeroPad2d(padding) -> Module:
    """Zeros around the input.

    >>> nn.ZeroPad2d(2)(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d((1, 2, 3, 0))(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d((-1, 2, 1, -2))(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d(int("1"))(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d(-1)(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d((-1, 2, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d((1, -1, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d((1, 2, -1, 1))(f32(2, 3, 8, 9))
    >>> nn.ZeroPad2d((1, 2, 3, -1))(f32(2, 3, 8, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (0, 0)))
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 4
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
    ):
        return partial(jnp.pad, pad_width=((0, 0), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)))
    return partial(helpers.pad_spatial, padding=padding)


@rule("torch.nn.ConstantPad2d", layout="N C H W -> N H W C")
def ConstantPad2d(padding, value) -> Module:
    """A constant around the input.

    >>> nn.ConstantPad2d(2, 1.5)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d((1, 2, 3, 0), value=0)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d((-1, 2, 1, -2), 0.5)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d(-1, 0.5)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d((-1, 2, 3, 1), 0.5)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d((1, -1, 3, 1), 0.5)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d((1, 2, -1, 1), 0.5)(f32(2, 3, 8, 9))
    >>> nn.ConstantPad2d((1, 2, 3, -1), 0.5)(f32(2, 3, 8, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(
            jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (0, 0)), constant_values=value
        )
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 4
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
    ):
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)),
            constant_values=value,
        )
    return partial(helpers.pad_spatial, padding=padding, value=value)


@rule("torch.nn.ReflectionPad2d", layout="N C H W -> N H W C")
def ReflectionPad2d(padding) -> Module:
    """The input mirrored at its borders.

    >>> nn.ReflectionPad2d(2)(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d((1, 2, 3, 0))(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d(int("1"))(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d(-1)(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d((-1, 2, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d((1, -1, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d((1, 2, -1, 1))(f32(2, 3, 8, 9))
    >>> nn.ReflectionPad2d((1, 2, 3, -1))(f32(2, 3, 8, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (0, 0)), mode="reflect")
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 4
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
    ):
        return partial(
            jnp.pad, pad_width=((0, 0), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)), mode="reflect"
        )
    return partial(helpers.pad_spatial, padding=padding, mode="reflect")


@rule("torch.nn.ReplicationPad2d", layout="N C H W -> N H W C")
def ReplicationPad2d(padding) -> Module:
    """The border values repeated.

    >>> nn.ReplicationPad2d(2)(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d((1, 2, 3, 0))(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d(int("1"))(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d(-1)(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d((-1, 2, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d((1, -1, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d((1, 2, -1, 1))(f32(2, 3, 8, 9))
    >>> nn.ReplicationPad2d((1, 2, 3, -1))(f32(2, 3, 8, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (0, 0)), mode="edge")
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 4
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
    ):
        return partial(
            jnp.pad, pad_width=((0, 0), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)), mode="edge"
        )
    return partial(helpers.pad_spatial, padding=padding, mode="edge")


@rule("torch.nn.CircularPad2d", layout="N C H W -> N H W C")
def CircularPad2d(padding) -> Module:
    """The input repeated.

    >>> nn.CircularPad2d(2)(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d((1, 2, 3, 0))(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d(int("1"))(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d(-1)(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d((-1, 2, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d((1, -1, 3, 1))(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d((1, 2, -1, 1))(f32(2, 3, 8, 9))
    >>> nn.CircularPad2d((1, 2, 3, -1))(f32(2, 3, 8, 9))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (0, 0)), mode="wrap")
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 4
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
    ):
        return partial(
            jnp.pad, pad_width=((0, 0), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)), mode="wrap"
        )
    return partial(helpers.pad_spatial, padding=padding, mode="wrap")


@rule("torch.nn.ZeroPad3d", layout="N C D H W -> N D H W C")
def ZeroPad3d(padding) -> Module:
    """Zeros around the input.

    >>> nn.ZeroPad3d(2)(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((1, 2, 0, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((-1, 2, 0, 1, 2, -1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d(int("1"))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d(-1)(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((-1, 2, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((1, -1, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((1, 2, -1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((1, 2, 1, -1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((1, 2, 1, 1, -1, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ZeroPad3d((1, 2, 1, 1, 2, -1))(f32(2, 3, 6, 7, 8))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (padding, padding), (0, 0)))
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 6
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
        and padding[4] >= 0
        and padding[5] >= 0
    ):
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding[4], padding[5]), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)),
        )
    return partial(helpers.pad_spatial, padding=padding)


@rule("torch.nn.ConstantPad3d", layout="N C D H W -> N D H W C")
def ConstantPad3d(padding, value) -> Module:
    """A constant around the input.

    >>> nn.ConstantPad3d(2, 1.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((1, 2, 0, 1, 2, 1), value=0)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((-1, 2, 0, 1, 2, -1), 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d(-1, 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((-1, 2, 1, 1, 2, 1), 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((1, -1, 1, 1, 2, 1), 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((1, 2, -1, 1, 2, 1), 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((1, 2, 1, -1, 2, 1), 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((1, 2, 1, 1, -1, 1), 0.5)(f32(2, 3, 6, 7, 8))
    >>> nn.ConstantPad3d((1, 2, 1, 1, 2, -1), 0.5)(f32(2, 3, 6, 7, 8))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding, padding), (padding, padding), (padding, padding), (0, 0)),
            constant_values=value,
        )
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 6
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
        and padding[4] >= 0
        and padding[5] >= 0
    ):
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding[4], padding[5]), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)),
            constant_values=value,
        )
    return partial(helpers.pad_spatial, padding=padding, value=value)


@rule("torch.nn.ReflectionPad3d", layout="N C D H W -> N D H W C")
def ReflectionPad3d(padding) -> Module:
    """The input mirrored at its borders.

    >>> nn.ReflectionPad3d(2)(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((1, 2, 0, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d(int("1"))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d(-1)(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((-1, 2, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((1, -1, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((1, 2, -1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((1, 2, 1, -1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((1, 2, 1, 1, -1, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReflectionPad3d((1, 2, 1, 1, 2, -1))(f32(2, 3, 6, 7, 8))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding, padding), (padding, padding), (padding, padding), (0, 0)),
            mode="reflect",
        )
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 6
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
        and padding[4] >= 0
        and padding[5] >= 0
    ):
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding[4], padding[5]), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)),
            mode="reflect",
        )
    return partial(helpers.pad_spatial, padding=padding, mode="reflect")


@rule("torch.nn.ReplicationPad3d", layout="N C D H W -> N D H W C")
def ReplicationPad3d(padding) -> Module:
    """The border values repeated.

    >>> nn.ReplicationPad3d(2)(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((1, 2, 0, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d(int("1"))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d(-1)(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((-1, 2, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((1, -1, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((1, 2, -1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((1, 2, 1, -1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((1, 2, 1, 1, -1, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.ReplicationPad3d((1, 2, 1, 1, 2, -1))(f32(2, 3, 6, 7, 8))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(
            jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (padding, padding), (0, 0)), mode="edge"
        )
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 6
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
        and padding[4] >= 0
        and padding[5] >= 0
    ):
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding[4], padding[5]), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)),
            mode="edge",
        )
    return partial(helpers.pad_spatial, padding=padding, mode="edge")


@rule("torch.nn.CircularPad3d", layout="N C D H W -> N D H W C")
def CircularPad3d(padding) -> Module:
    """The input repeated.

    >>> nn.CircularPad3d(2)(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((1, 2, 0, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d(int("1"))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d(-1)(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((-1, 2, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((1, -1, 1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((1, 2, -1, 1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((1, 2, 1, -1, 2, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((1, 2, 1, 1, -1, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.CircularPad3d((1, 2, 1, 1, 2, -1))(f32(2, 3, 6, 7, 8))
    """
    if isinstance(padding, int) and padding >= 0:
        return partial(
            jnp.pad, pad_width=((0, 0), (padding, padding), (padding, padding), (padding, padding), (0, 0)), mode="wrap"
        )
    if (
        isinstance(padding, (tuple, list))
        and len(padding) == 6
        and padding[0] >= 0
        and padding[1] >= 0
        and padding[2] >= 0
        and padding[3] >= 0
        and padding[4] >= 0
        and padding[5] >= 0
    ):
        return partial(
            jnp.pad,
            pad_width=((0, 0), (padding[4], padding[5]), (padding[2], padding[3]), (padding[0], padding[1]), (0, 0)),
            mode="wrap",
        )
    return partial(helpers.pad_spatial, padding=padding, mode="wrap")
