"""Methods of tensors in NumPy, for code that loads data: read as text, like `functions`.

They stand for the functions of torch of the same names as well.
"""

# ruff: noqa: D103
# mypy: ignore-errors

import numpy as np

from torch2jax.rewrite.numpy_forms.marks import of_floats


def float(self):
    return self.astype(np.float32)


def double(self):
    return self.astype(np.float64)


def half(self):
    return self.astype(np.float16)


def long(self):
    return self.astype(np.int64)


def int(self):
    return self.astype(np.int32)


def short(self):
    return self.astype(np.int16)


def byte(self):
    return self.astype(np.uint8)


def bool(self):
    return self.astype(np.bool_)


def numpy(self):
    return self


detach = cpu = contiguous = requires_grad_ = pin_memory = share_memory_ = cuda = numpy


def clone(self):
    return self.copy()


def item(self):
    return self.item()


def tolist(self):
    return self.tolist()


def dim(self):
    return self.ndim


ndimension = dim


def numel(self):
    return self.size


nelement = numel


def size(self, dim=None):
    return self.shape if dim is None else self.shape[dim]


def view(self, *shape):
    return self.reshape(*shape)


def reshape(self, *shape):
    return self.reshape(*shape)


def permute(self, *dims):
    return self.transpose(*dims)


def transpose(self, dim0, dim1):
    return self.swapaxes(dim0, dim1)


swapaxes = transpose


def t(self):
    return self.T


def unsqueeze(self, dim):
    return np.expand_dims(self, dim)


def squeeze(self):
    return self.squeeze()


def flatten(self):
    return self.reshape(-1)


ravel = flatten


def repeat(self, *sizes):
    return np.tile(self, sizes)


def sum(self, dim=None, keepdim=False):
    return self.sum() if dim is None else self.sum(axis=dim, keepdims=keepdim)


def mean(self, dim=None, keepdim=False):
    return self.mean() if dim is None else self.mean(axis=dim, keepdims=keepdim)


def std(self, dim=None, keepdim=False):
    return self.std(ddof=1) if dim is None else self.std(axis=dim, ddof=1, keepdims=keepdim)


def var(self, dim=None, keepdim=False):
    return self.var(ddof=1) if dim is None else self.var(axis=dim, ddof=1, keepdims=keepdim)


def max(self):
    return self.max()


def min(self):
    return self.min()


def any(self, dim=None):
    return self.any(axis=dim)


def all(self, dim=None):
    return self.all(axis=dim)


def argmax(self, dim=None):
    return self.argmax(axis=dim)


def argmin(self, dim=None):
    return self.argmin(axis=dim)


def cumsum(self, dim):
    return self.cumsum(axis=dim)


def clamp(self, min=None, max=None):
    return np.clip(self, min, max)


clip = clamp


def abs(self):
    return np.abs(self)


def round(self):
    return np.round(self)


def square(self):
    return self**2


@of_floats
def sqrt(self):
    return np.sqrt(self)


@of_floats
def exp(self):
    return np.exp(self)


@of_floats
def log(self):
    return np.log(self)


def norm(self, *, dim=None, keepdim=False):
    return np.linalg.norm(self, axis=dim, keepdims=keepdim)


def eq(self, other):
    return self == other


def ne(self, other):
    return self != other


def gt(self, other):
    return self > other


def ge(self, other):
    return self >= other


def lt(self, other):
    return self < other


def le(self, other):
    return self <= other


def matmul(self, other):
    return self @ other


mm = matmul
