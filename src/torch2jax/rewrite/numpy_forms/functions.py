"""Functions of torch in NumPy, for code that loads data: the converter puts in the expression that each returns.

This file is read as text. A parameter ``*size`` stands for sizes that are written out or in one tuple. ``of_floats``
marks what makes floats of integers: torch makes float32 of them, and NumPy would make float64.
"""

# ruff: noqa: D103
# mypy: ignore-errors

import numpy as np

from torch2jax.rewrite.numpy_forms.marks import drawing, of_floats


def from_numpy(ndarray):
    return ndarray


def zeros(*size, dtype=None):
    return np.zeros(size, dtype=np.float32 if dtype is None else dtype)


def ones(*size, dtype=None):
    return np.ones(size, dtype=np.float32 if dtype is None else dtype)


def empty(*size, dtype=None):
    return np.empty(size, dtype=np.float32 if dtype is None else dtype)


def eye(n, m=None, dtype=None):
    return np.eye(n, m, dtype=np.float32 if dtype is None else dtype)


def zeros_like(input, dtype=None):
    return np.zeros_like(input, dtype=dtype)


def ones_like(input, dtype=None):
    return np.ones_like(input, dtype=dtype)


def full_like(input, fill_value, dtype=None):
    return np.full_like(input, fill_value, dtype=dtype)


def linspace(start, end, steps, dtype=None):
    return np.linspace(start, end, steps, dtype=np.float32 if dtype is None else dtype)


def stack(tensors, dim=0):
    return np.stack(tensors, axis=dim)


def cat(tensors, dim=0):
    return np.concatenate(tensors, axis=dim)


concat = concatenate = cat


def where(condition, input, other):
    return np.where(condition, input, other)


def flip(input, dims):
    return np.flip(input, axis=dims)


def roll(input, shifts, dims=None):
    return np.roll(input, shifts, axis=dims)


def matmul(input, other):
    return input @ other


mm = mv = matmul


def outer(input, vec2):
    return np.outer(input, vec2)


def equal(input, other):
    return np.array_equal(input, other)


def allclose(input, other, rtol=1e-05, atol=1e-08):
    return np.allclose(input, other, rtol=rtol, atol=atol)


def maximum(input, other):
    return np.maximum(input, other)


def minimum(input, other):
    return np.minimum(input, other)


def isnan(input):
    return np.isnan(input)


def isfinite(input):
    return np.isfinite(input)


def sign(input):
    return np.sign(input)


def is_tensor(obj):
    return isinstance(obj, np.ndarray)


def is_floating_point(input):
    return np.issubdtype(input.dtype, np.floating)


def one_hot(tensor, num_classes):
    return np.eye(num_classes, dtype=np.int64)[tensor]


@of_floats
def sin(input):
    return np.sin(input)


@of_floats
def cos(input):
    return np.cos(input)


@of_floats
def tanh(input):
    return np.tanh(input)


@of_floats
def log1p(input):
    return np.log1p(input)


@of_floats
def floor(input):
    return np.floor(input)


@of_floats
def ceil(input):
    return np.ceil(input)


@drawing
def rand(*size, generator=np.random):
    return generator.random(size).astype(np.float32)


@drawing
def randn(*size, generator=np.random):
    return generator.standard_normal(size).astype(np.float32)


@drawing
def rand_like(input):
    return np.random.random(input.shape).astype(np.float32)


@drawing
def randn_like(input):
    return np.random.standard_normal(input.shape).astype(np.float32)


@drawing
def randperm(n, generator=np.random):
    return generator.permutation(n)
