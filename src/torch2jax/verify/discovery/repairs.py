"""What to change in the inputs after a call failed: from the function that raised, and from what it says."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from torch import nn

from torch2jax.verify.discovery.shapes import BATCH, FEATURES, LENGTH, SIDES, Arrays, Sizes
from torch2jax.verify.discovery.trials import Trial
from torch2jax.verify.inputs import ArraySpec, Inputs

_NUMBER = re.compile(r"\d+")
_RANK = re.compile(
    r"expected (\d)-?D|(\d)-?D \((?:un)?batched\)|expected (\d+) dims|expected (\d+)[,)]|expected to be (\d)D|"
    r"must be (\d)-?D|(\d)D or \dD|expects? (?:an? )?(\d)-?D|to be (\d)-?D"
)
_SPLIT = re.compile(r"axis of length (\d+) in chunks of (\d+)|divide .*?(\d+) .*?(\d+)")
_DIVISIBLE = re.compile(r"divisible by\D*(\d+)")
_LARGEST = 512
"""The longest side of an image that is tried."""
_INTEGERS = re.compile(r"\b(long|int|integer|indices|index|Byte|scalar types Long)\b", re.IGNORECASE)
_OUT_OF_RANGE = re.compile(r"out of (range|bounds)|num_classes")
_LITERALS = (2, 3, 1, True, None, 0.5)


def repaired(trial: Trial, sizes: Sizes) -> Iterator[Inputs]:
    """Inputs to try next, those that the failure speaks of first, then every rank and kind for every array."""
    arrays = Arrays.of(trial.inputs)
    yield from _for_values(trial, arrays)
    yield from _for_wanted_shape(trial, arrays, sizes)
    yield from _for_sizes(trial, arrays)
    yield from _for_ranks(trial, arrays, sizes)
    yield from _for_kinds(trial, arrays)
    yield from _for_anything(arrays, sizes)


def _shaped(spec: ArraySpec, shape: tuple[int, ...], kind: str = "") -> ArraySpec:
    return ArraySpec(kind or spec.kind, shape, spec.high, spec.low)


def _for_values(trial: Trial, arrays: Arrays) -> Iterator[Inputs]:
    """Values of another range: indices, probabilities, what has a logarithm."""
    if trial.ok:
        for kind in ("pos", "unit"):
            yield arrays.replaced({i: _shaped(s, s.shape, kind) for i, s in arrays.arrays if s.kind == "f32"})
            for index, spec in arrays.arrays:
                if spec.kind == "f32":
                    yield arrays.replaced({index: _shaped(spec, spec.shape, kind)})
        for index, spec in arrays.arrays:
            if spec.kind == "bool":
                yield arrays.replaced({index: ArraySpec("true", spec.shape)})
        return
    if "between 0 and 1" in trial.message:
        for index, spec in arrays.arrays:
            yield arrays.replaced({index: _shaped(spec, spec.shape, "unit")})
    if _OUT_OF_RANGE.search(trial.message):
        highs = sorted({size for size in _wanted_sizes(trial) if size > 0}, reverse=True)
        for index, spec in arrays.arrays:
            for high in [h for h in highs if h < spec.high] + [2, 1]:
                if spec.kind == "int":
                    yield arrays.replaced({index: ArraySpec("int", spec.shape, high)})


def _wanted_sizes(trial: Trial) -> list[int]:
    return [size for shape in (trial.operation.shapes if trial.operation else ()) for size in shape]


def _for_wanted_shape(trial: Trial, arrays: Arrays, sizes: Sizes) -> Iterator[Inputs]:
    """The axis that the layer or function that raised looks at, set to what it wants."""
    wanted = _wanted(trial)
    if wanted is None:
        return
    kind, axis, size, shapes, high = wanted
    got = trial.operation.shapes[0] if trial.operation and trial.operation.shapes else ()
    actual = got[axis] if len(got) > abs(axis) - (axis < 0) else None
    if kind == "int":
        for index, spec in arrays.arrays:
            yield arrays.replaced(
                {index: ArraySpec("int", spec.shape if len(spec.shape) < 3 else spec.shape[:2], high)}
            )
            yield arrays.replaced({index: ArraySpec("int", (spec.shape or (BATCH,))[:1], high)})
        yield from (arrays.replaced({i: ArraySpec("int", (BATCH, LENGTH), high)}) for i, _ in enumerate(arrays.specs))
        return
    places = [(i, s, a) for i, s in arrays.arrays for a in reversed(range(len(s.shape))) if s.shape[a] == actual]
    for index, spec, place in places:
        yield arrays.replaced({index: _shaped(spec, (*spec.shape[:place], size, *spec.shape[place + 1 :]))})
    if len(places) > 1:
        yield arrays.replaced({i: _shaped(s, (*s.shape[:p], size, *s.shape[p + 1 :])) for i, s, p in places})
    for shape, (index, _) in itertools.product(shapes, list(enumerate(arrays.specs))):
        yield arrays.replaced({index: ArraySpec("f32", shape)})
    if actual is not None:
        yield from _flattened(arrays, actual, size, sizes)


def _flattened(arrays: Arrays, actual: int, size: int, sizes: Sizes) -> Iterator[Inputs]:
    """Images whose sides make a flattened axis as long as it should be."""
    for index, spec in arrays.arrays:
        if len(spec.shape) < 3:
            continue
        channels, rank = spec.shape[1], len(spec.shape) - 2
        root = round((size / channels) ** (1 / rank))
        squares = [root] if channels * root**rank == size else []
        near = round((math.prod(spec.shape[2:]) * size / max(actual, 1)) ** (1 / rank))  # after layers that shrink it
        squares += [near + offset for offset in (0, 1, -1, 2, -2, 3, -3, 4, -4) if near + offset > 0]
        for side in dict.fromkeys([*sizes.sides, *squares, 32, 28, 64, 96, 128, 224, 227, 299, 256, 48, 84, 16]):
            yield arrays.replaced({index: _shaped(spec, (*spec.shape[:2], *(side,) * rank))})
        if rank == 1:
            for length in range(max(spec.shape[2] - 8, 1), spec.shape[2] + 40):
                yield arrays.replaced({index: _shaped(spec, (*spec.shape[:2], length))})


def _wanted(trial: Trial) -> tuple[str, int, int, list[tuple[int, ...]], int] | None:
    """Kind, axis and size that a layer wants, whole shapes that would do, and the bound of integers."""
    layer, operation = trial.layer, trial.operation
    shapes = operation.shapes if operation else ()
    name = operation.name if operation else ""
    if isinstance(layer, nn.Embedding) or name == "embedding":
        high = layer.num_embeddings if isinstance(layer, nn.Embedding) else (shapes[-1][0] if shapes else 10)
        return "int", 0, 0, [], high
    if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
        n = layer.input_size
        return "f32", -1, n, [(3, 5, n), (3, n)], 0
    if isinstance(layer, nn.MultiheadAttention):
        return "f32", -1, layer.embed_dim, [(3, 5, layer.embed_dim)], 0
    if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        n = layer.normalized_shape[-1]
        return "f32", -1, n, [(BATCH, LENGTH, n), (3, n)], 0
    convolution = re.fullmatch(r"conv(_transpose)?([123])d", name)
    if convolution and len(shapes) > 1:
        weight, rank = shapes[1], int(convolution[2])
        groups = getattr(layer, "groups", 1)
        n = weight[0] if convolution[1] else weight[1] * (groups if isinstance(groups, int) else 1)
        return "f32", -rank - 1, n, [(BATCH, n, *space[:rank]) for space in SIDES[:3]], 0
    if name in ("linear", "matmul", "__matmul__", "mm", "__rmatmul__") and len(shapes) > 1 and shapes[1]:
        n = shapes[1][-1] if name == "linear" else shapes[1][-2 if len(shapes[1]) > 1 else -1]
        return "f32", -1, n, [(BATCH, LENGTH, n), (3, n)], 0
    if name in ("batch_norm", "group_norm", "instance_norm") and len(shapes) > 1:
        n = shapes[1][0]
        return "f32", 1, n, [(BATCH, n, *SIDES[0][:rank]) for rank in (2, 1, 0, 3)], 0
    return None


def _for_sizes(trial: Trial, arrays: Arrays) -> Iterator[Inputs]:
    """A size of the inputs replaced by another that the message or the shapes speak of, also by the difference."""
    message = trial.message
    split = _SPLIT.search(message)
    if split:
        length, chunk = (int(n) for n in split.groups() if n)
        for index, spec in arrays.arrays:
            for axis in (a for a in range(len(spec.shape)) if spec.shape[a] == length):
                for size in ((length // chunk + k) * chunk for k in (1, 0, 2)):
                    yield _with_size(arrays, index, spec, axis, size)
    yield from _for_windows(message, arrays)
    numbers = list(dict.fromkeys([*map(int, _NUMBER.findall(message)), *_wanted_sizes(trial)]))[:14]
    for index, spec in arrays.arrays:
        for axis, size in reversed(list(enumerate(spec.shape))):
            for number in numbers if size in numbers else ():
                if number not in (0, size) and number < 4096:
                    yield _with_size(arrays, index, spec, axis, number)
                    everywhere = {
                        i: _shaped(s, tuple(number if n == size else n for n in s.shape)) for i, s in arrays.arrays
                    }
                    yield arrays.replaced(everywhere)
    for index, spec in arrays.arrays:  # a class token or a sum of lengths stands between
        for axis, size in enumerate(spec.shape[1:], 1):
            for a, b in itertools.permutations(numbers[:6], 2):
                if 0 < abs(a - size) <= 2 and b - (a - size) > 0:
                    yield _with_size(arrays, index, spec, axis, b - (a - size))


def _for_windows(message: str, arrays: Arrays) -> Iterator[Inputs]:
    """Square images that fall into windows, or patches, also after layers that halve them some times."""
    found = _SPLIT.search(message) or _DIVISIBLE.search(message)
    if not found:
        return
    window = int([n for n in found.groups() if n][-1])
    for halvings, (index, spec) in itertools.product((32, 16, 8, 4, 64), arrays.arrays):
        if len(spec.shape) > 3 and window * halvings <= _LARGEST:
            shape = (*spec.shape[:-2], window * halvings, window * halvings)
            yield arrays.replaced({index: _shaped(spec, shape)})


def _with_size(arrays: Arrays, index: int, spec: ArraySpec, axis: int, size: int) -> Inputs:
    return arrays.replaced({index: _shaped(spec, (*spec.shape[:axis], size, *spec.shape[axis + 1 :]))})


def _for_ranks(trial: Trial, arrays: Arrays, sizes: Sizes) -> Iterator[Inputs]:
    """Arrays of the rank that the message speaks of."""
    ranks = [int(n) for groups in _RANK.findall(trial.message) for n in groups if n]
    if "out of range" in trial.message or "permute" in trial.message or "unpack" in trial.message:
        ranks += [len(spec.shape) + 1 for _, spec in arrays.arrays]
    for rank in dict.fromkeys(rank for rank in ranks if 0 < rank < 7):
        for index, spec in arrays.arrays:
            yield from (arrays.replaced({index: _shaped(spec, shape)}) for shape in _shapes(rank, spec, sizes))


def _shapes(rank: int, spec: ArraySpec, sizes: Sizes) -> list[tuple[int, ...]]:
    """Shapes of a rank, that keep the last size or the channels where they can."""
    last = spec.shape[-1] if spec.shape else FEATURES
    channels = spec.shape[1] if len(spec.shape) > 2 else 3
    squares = [(side,) * 3 for side in sizes.sides] + [SIDES[0], SIDES[1], SIDES[2]]
    if rank == 1:
        return [(spec.shape[0] if spec.shape else BATCH,), (last,)]
    if rank == 2:
        return [(spec.shape[0] if spec.shape else BATCH, last), (3, last)]
    if rank == 3:
        return [(BATCH, LENGTH, last), *((BATCH, channels, s[0]) for s in squares)]
    if rank == 4:
        return [*((BATCH, channels, *s[:2]) for s in squares), (BATCH, 3, LENGTH, last)]
    frames = sizes.frames or (8 if rank == 5 else 4)
    return [(BATCH, channels, *(frames,) * (rank - 4), *s[:2]) for s in squares]


def _for_kinds(trial: Trial, arrays: Arrays) -> Iterator[Inputs]:
    """Integers, flags, floats or plain numbers where the message asks for them."""
    message = trial.message
    if _INTEGERS.search(message):
        for index, spec in arrays.arrays:
            if spec.kind != "int":
                yield arrays.replaced({index: ArraySpec("int", spec.shape, 4)})
                yield arrays.replaced({index: ArraySpec("int", spec.shape[:1], 4)})
    if "bool" in message.lower():
        for index, spec in arrays.arrays:
            yield arrays.replaced({index: ArraySpec("bool", spec.shape)})
    if re.search(r"float|Long|dtype|Half", message):
        for index, spec in arrays.arrays:
            if spec.kind != "f32":
                yield arrays.replaced({index: ArraySpec("f32", spec.shape)})
    if re.search(
        r"single element|as an integer|ambiguous|not callable|unhashable|'Tensor'|must be int|not Tensor", message
    ):
        for index, literal in itertools.product(range(len(arrays.specs)), _LITERALS):
            yield arrays.replaced({index: literal})
    if re.search(r"'(int|float|bool|NoneType|str)'|iterable|subscriptable", message):
        for index, spec in enumerate(arrays.specs):
            if not isinstance(spec, ArraySpec):
                yield arrays.replaced({index: ArraySpec("f32", (BATCH, LENGTH, FEATURES))})


def _for_anything(arrays: Arrays, sizes: Sizes) -> Iterator[Inputs]:
    """Other ranks and kinds for one array after the other."""
    for rank in (3, 4, 2, 5, 1):
        for index, spec in arrays.arrays:
            if rank != len(spec.shape):
                yield from (arrays.replaced({index: _shaped(spec, shape)}) for shape in _shapes(rank, spec, sizes))
    for index, spec in arrays.arrays:
        for other in _other_kinds(spec):
            yield arrays.replaced({index: other})
    for index, spec in arrays.arrays:
        if len(arrays.arrays) > 1:
            yield from (arrays.replaced({index: other}) for _, other in arrays.arrays if other != spec)
    if len(arrays.arrays) == 2:
        (a, first), (b, second) = arrays.arrays
        yield arrays.replaced({a: second, b: first})


def _other_kinds(spec: ArraySpec) -> list[Any]:
    kinds = ("int", "bool") if spec.kind in ("f32", "unit") else ("f32", "int", "bool")
    return [ArraySpec(kind, spec.shape, 4) for kind in kinds if kind != spec.kind]
