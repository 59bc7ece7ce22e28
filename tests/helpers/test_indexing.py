"""Gather and scatter against torch: smaller indices, repeated ones, every axis."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import indexing

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]
RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("axis", "shape"), [(0, (6, 4, 5)), (1, (3, 7, 5)), (-1, (3, 4, 2)), (1, (2, 7, 1)), (2, (1, 1, 9)), (0, (3, 4, 1))]
)
def test_gather(axis: int, shape: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    x = normal(3, 4, 5)
    index = RNG.integers(0, x.shape[axis], shape)
    agree(lambda x, i: torch.gather(x, axis, i), lambda x, i: indexing.gather(x, axis, i), x, index)


def test_gather_nothing(agree: Agree, normal: Normal) -> None:
    nothing = np.zeros((2, 0), int)
    agree(lambda x: torch.gather(x, 0, torch.tensor(nothing)), lambda x: indexing.gather(x, 0, nothing), normal(5))


def unrepeated(size: int, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Indices below `size` that differ along `axis`."""
    order = np.argsort(RNG.random([size if i == axis else n for i, n in enumerate(shape)]), axis)
    return np.take(order, np.arange(shape[axis]), axis)


@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 4)), (1, (3, 3)), (1, (2, 4)), (0, (3, 1))])
def test_scatter(axis: int, shape: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    x, src = normal(3, 4), normal(*shape)
    index = unrepeated(x.shape[axis], shape, axis)
    agree(lambda x, i, s: torch.scatter(x, axis, i, s), lambda x, i, s: indexing.scatter(x, axis, i, s), x, index, src)
    agree(lambda x, i: torch.scatter(x, axis, i, 1.5), lambda x, i: indexing.scatter(x, axis, i, 1.5), x, index)


@pytest.mark.parametrize(("axis", "shape"), [(0, (5, 4)), (1, (2, 6)), (-1, (3, 1))])
def test_scatter_add_and_multiply(axis: int, shape: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    x, src = normal(3, 4), normal(*shape)
    index = RNG.integers(0, x.shape[axis], shape)
    agree(
        lambda x, i, s: torch.scatter_add(x, axis, i, s),
        lambda x, i, s: indexing.scatter_add(x, axis, i, s),
        x,
        index,
        src,
    )
    product = torch.tensor(x).scatter(axis, torch.tensor(index), torch.tensor(src), reduce="multiply")
    np.testing.assert_allclose(
        indexing.scatter_multiply(jnp.asarray(x), axis, index, jnp.asarray(src)), product, rtol=1e-12
    )


def test_scatter_takes_the_corner_of_a_larger_source(normal: Normal) -> None:
    x, src, index = normal(3, 4), normal(5, 6), np.array([[2, 0, 1], [0, 3, 1]])
    arrays, tensors = [jnp.asarray(a) for a in (x, index, src)], [torch.tensor(a) for a in (x, index, src)]
    np.testing.assert_array_equal(indexing.scatter(arrays[0], 1, *arrays[1:]), tensors[0].scatter(1, *tensors[1:]))
    multiplied = indexing.scatter_reduce(arrays[0], 1, *arrays[1:], "prod")
    np.testing.assert_allclose(multiplied, tensors[0].scatter(1, *tensors[1:], reduce="multiply"), rtol=1e-12)
    added = indexing.scatter_reduce(arrays[0], 1, *arrays[1:], "sum")
    np.testing.assert_array_equal(added, tensors[0].scatter_add(1, *tensors[1:]))


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_scatter_reduce(reduce: str, include_self: bool, agree: Agree, normal: Normal) -> None:
    index = RNG.integers(0, 4, (3, 7))
    agree(
        lambda x, s: torch.scatter_reduce(x, 1, torch.tensor(index), s, reduce, include_self=include_self),
        lambda x, s: indexing.scatter_reduce(x, 1, index, s, reduce, include_self),
        normal(3, 4),
        normal(3, 7),
    )


@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_scatter_reduce_shares_the_gradient_of_ties(reduce: str, agree: Agree) -> None:
    index = np.array([[0, 0, 1, 1]])
    agree(
        lambda x, s: torch.scatter_reduce(x, 1, torch.tensor(index), s, reduce),
        lambda x, s: indexing.scatter_reduce(x, 1, index, s, reduce),
        np.array([[1.0, 2.0, 3.0]]),
        np.array([[1.0, 1.0, 2.0, 2.0]]),
    )


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_index_add_copy_fill(axis: int, agree: Agree, normal: Normal) -> None:
    x = normal(3, 4, 5)
    repeated = RNG.integers(0, x.shape[axis], 6)
    single = RNG.permutation(x.shape[axis])[:2]
    shape = [6 if i == axis % 3 else n for i, n in enumerate(x.shape)]
    source = normal(*shape)
    fitting = source.take(range(2), axis)
    agree(
        lambda x, i, s: x.index_add(axis, i, s, alpha=0.5),
        lambda x, i, s: indexing.index_add(x, axis, i, s, 0.5),
        x,
        repeated,
        source,
    )
    agree(
        lambda x, i, s: x.index_copy(axis, i, s),
        lambda x, i, s: indexing.index_copy(x, axis, i, s),
        x,
        single,
        fitting,
    )
    agree(lambda x, i: x.index_fill(axis, i, 2.5), lambda x, i: indexing.index_fill(x, axis, i, 2.5), x, repeated)


@pytest.mark.parametrize("shape", [(3, 4), (4,), (3, 1)])
def test_masked_scatter(shape: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    mask = RNG.random(shape) < 0.5
    agree(torch.masked_scatter, indexing.masked_scatter, normal(3, 4), mask, normal(15))


@pytest.mark.parametrize("shape", [(3, 4), (4,), (3, 1)])
def test_masked_select(shape: tuple[int, ...], normal: Normal) -> None:
    x, mask = normal(3, 4), RNG.random(shape) < 0.5
    expected = torch.masked_select(torch.tensor(x), torch.tensor(mask))
    np.testing.assert_array_equal(indexing.masked_select(jnp.asarray(x), jnp.asarray(mask)), expected)


@pytest.mark.parametrize("accumulate", [False, True])
def test_put(accumulate: bool, agree: Agree, normal: Normal) -> None:
    index = np.array([[4, 1], [1, 11]]) if accumulate else np.array([[4, 1], [0, 11]])
    agree(
        lambda x, i, s: torch.put(x, i, s, accumulate),
        lambda x, i, s: indexing.put(x, i, s, accumulate),
        normal(3, 4),
        index,
        normal(2, 2),
    )


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4)])
def test_search_rows(side: str, shape: tuple[int, ...], agree: Agree) -> None:
    rows = np.sort(RNG.integers(0, 5, shape))
    values = RNG.integers(0, 5, (*shape[:-1], 6))
    agree(lambda r, v: torch.searchsorted(r, v, side=side), lambda r, v: indexing.search_rows(r, v, side), rows, values)


@pytest.mark.parametrize("x", [[1, 1, 2, 2, 1, 3, 3, 3], [5], [1, 2], []])
def test_unique_consecutive(x: list[int]) -> None:
    expected = torch.unique_consecutive(torch.tensor(x), return_inverse=True, return_counts=True)
    for actual, wanted in zip(indexing.unique_consecutive(jnp.array(x, int)), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


@pytest.mark.parametrize("axis", [0, 1])
def test_unique_consecutive_slices(axis: int) -> None:
    x = torch.tensor([[1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 3, 2]])
    expected = torch.unique_consecutive(x, return_inverse=True, return_counts=True, dim=axis)
    for actual, wanted in zip(indexing.unique_consecutive(jnp.array(x.numpy()), axis), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


MASKED = [
    (1, [(), (5,), (4, 5), (4, 1), (1, 4, 5), (1, 1, 4, 1), (1, 1, 1, 1, 5)]),
    (2, [(), (5,), (1, 5), (1, 1, 5), (1, 1, 1)]),
    (3, [(), (1,), (1, 1), (1, 1, 1, 1)]),
]


def fill(x: torch.Tensor, mask: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[mask] = value
    return x


def mask_of(axes: int) -> np.ndarray:
    mask = np.zeros((3, 4, 5)[:axes], dtype=bool)
    mask.flat[:2] = True
    return mask


@pytest.mark.parametrize(("axes", "value"), [(axes, value) for axes, values in MASKED for value in values])
def test_masked_set(axes: int, value: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    agree(fill, indexing.masked_set, normal(3, 4, 5), mask_of(axes), normal(*value))


@pytest.mark.parametrize(("axes", "value"), [(1, (2, 4, 5)), (2, (2, 5)), (2, (2, 1)), (2, (1, 2, 5)), (3, (2,))])
def test_masked_set_with_a_value_for_each_place(
    axes: int, value: tuple[int, ...], agree: Agree, normal: Normal
) -> None:
    mask = mask_of(axes)
    agree(
        lambda x, v: fill(x, torch.tensor(mask), v),
        lambda x, v: indexing.masked_set(x, mask, v),
        normal(3, 4, 5),
        normal(*value),
    )


def test_masked_set_keeps_the_dtype() -> None:
    x = jnp.arange(4)
    assert indexing.masked_set(x, x > 1, 0.5).dtype == x.dtype


@pytest.mark.parametrize("shape", [(3, 4), (2, 0), (0,), ()])
@pytest.mark.parametrize("size", [0, 2, 20])
def test_nonzero_static(shape: tuple[int, ...], size: int) -> None:
    x = np.random.default_rng(0).integers(0, 2, shape)
    expected = torch.nonzero_static(torch.as_tensor(x), size=size, fill_value=-7)
    np.testing.assert_array_equal(indexing.nonzero_static(jnp.asarray(x), size, -7), expected)


def test_argwhere_of_jax_forgets_what_to_fill_an_empty_array_with() -> None:
    assert jnp.argwhere(jnp.zeros((2, 1)), size=1, fill_value=-1).tolist() == [[-1, -1]]
    assert jnp.argwhere(jnp.zeros((2, 0)), size=1, fill_value=-1).tolist() == [[0, 0]]


def test_scatters_of_scalars() -> None:
    x, index, src = torch.tensor(2.0), torch.tensor(0), torch.tensor(3.0)
    mine = [jnp.asarray(value.numpy()) for value in (x, index, src)]
    assert indexing.scatter(mine[0], 0, *mine[1:]) == x.scatter(0, index, src).item()
    assert indexing.scatter(mine[0], -1, mine[1], 7.0) == x.scatter(-1, index, 7.0).item()
    assert indexing.scatter_add(mine[0], 0, *mine[1:]) == x.scatter_add(0, index, src).item()
    assert indexing.scatter_multiply(mine[0], 0, *mine[1:]) == x.scatter(0, index, src, reduce="multiply").item()
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include in (True, False):
            expected = x.scatter_reduce(0, index, src, reduce, include_self=include).item()
            assert indexing.scatter_reduce(mine[0], 0, *mine[1:], reduce, include) == expected
