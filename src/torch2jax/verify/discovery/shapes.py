"""Shapes to begin with, and shapes whose sizes are all different."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from torch2jax.verify.discovery.entered import entered_first
from torch2jax.verify.discovery.names import values_for
from torch2jax.verify.inputs import ArraySpec, Inputs, leaves_of, map_leaves

BATCH, LENGTH, FEATURES = 2, 7, 12
SIDES = (
    (33, 35, 37),
    (32, 48, 40),
    (64, 64, 64),
    (28, 28, 28),
    (16, 16, 16),
    (224, 224, 16),
    (128, 128, 16),
    (256, 256, 16),
)
"""Sizes of the spatial axes to try: all different where the program takes any, then the usual squares."""

_TOKENS = re.compile(
    r"idx|ids|\w*_ids|tokens?|\w*_tokens|src|tgt|trg|targets?|labels?|y|text|seqs?|sequences?|inp|prompts?|codes|classes|"
    r"actions|indices|x|input|inputs"
)
_TARGETS = re.compile(r"targets?|labels?|y|classes|class_labels?|actions")
_TIMES = re.compile(r"t|times?|timesteps?|time_steps?|steps?|sigmas?|noise_levels?|log_snr|step|cond_time")
_MASKS = re.compile(r"\w*mask\w*|keep|valid")
_GRAPHS = re.compile(r"adj\w*|a|adjacency\w*|graph|laplacian")
_IMAGES = re.compile(r"imgs?|images?|pixel_values|pixels|frames?|videos?|video|image\w*|img\w*")
_LITERALS = {"bool": False, "int": 2, "str": "mean", "float": 0.5}


@dataclass
class Sizes:
    """Sizes that a constructor speaks of: the sides of images, and the number of frames (0: it has none)."""

    sides: tuple[int, ...] = ()
    frames: int = 0


@dataclass
class Arrays:
    """The arrays of a call in order, with the way back to inputs of the same structure."""

    inputs: Inputs
    specs: list[Any]

    @classmethod
    def of(cls, inputs: Inputs) -> Arrays:
        """Take inputs apart."""
        return cls(inputs, leaves_of(inputs))

    def replaced(self, changes: dict[int, Any]) -> Inputs:
        """The inputs with other leaves at some places."""
        counter = itertools.count()

        def leaf(value: Any) -> Any:
            return changes.get(next(counter), value)

        args = tuple(map_leaves(value, leaf) for value in self.inputs.args)
        kwargs = {name: map_leaves(value, leaf) for name, value in (self.inputs.kwargs or {}).items()}
        return Inputs(args, kwargs)

    @property
    def arrays(self) -> list[tuple[int, ArraySpec]]:
        """The places and specifications of those leaves that are arrays."""
        return [(index, spec) for index, spec in enumerate(self.specs) if isinstance(spec, ArraySpec)]


def required_parameters(model: nn.Module, method: str = "forward") -> list[inspect.Parameter]:
    """The parameters that a call must give, in order; a single `*args` counts as one."""
    parameters = list(inspect.signature(getattr(model, method)).parameters.values())
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not needed and parameters:
        first = parameters[0]
        return [] if first.kind in (first.VAR_KEYWORD, first.KEYWORD_ONLY) else [first]
    return needed


def first_inputs(model: nn.Module, method: str, sizes: Sizes) -> Iterator[Inputs]:
    """What the names of the parameters and the first layer with weights suggest."""
    parameters = required_parameters(model, method)
    likely = list(_likely_specs(entered_first(model, method), sizes)) or [ArraySpec("f32", (3, 5))]
    for spec in likely:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for index, parameter in enumerate(parameters):
            value = _by_name(parameter, model, spec, first=index == 0)
            if parameter.kind is parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        yield Inputs(tuple(args), kwargs)


def _by_name(parameter: inspect.Parameter, model: nn.Module, likely: ArraySpec, *, first: bool) -> Any:
    """A value for one parameter of forward."""
    name = parameter.name.lower().strip("_")
    annotation = (
        parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", "")
    )
    if annotation in _LITERALS:
        named = [value for value in values_for(name, annotation) if value.isdigit()]
        return int(named[0]) if annotation == "int" and named and int(named[0]) < LENGTH else _LITERALS[annotation]
    batch = likely.shape[0]
    if _MASKS.fullmatch(name):
        return ArraySpec("bool", likely.shape[:2])
    if _GRAPHS.fullmatch(name) and not first:
        return ArraySpec("bool", (*likely.shape[:-1], likely.shape[-2]) if len(likely.shape) > 1 else likely.shape)
    if _TIMES.fullmatch(name) and not first:
        return ArraySpec("unit", (batch,))
    if _TARGETS.fullmatch(name) and not first and likely.kind != "int":
        return ArraySpec("int", (batch,), 4)
    embedding = next((layer for layer in model.modules() if isinstance(layer, nn.Embedding)), None)
    if embedding is not None and _TOKENS.fullmatch(name) and likely.kind == "int":
        return ArraySpec("int", (batch, LENGTH), embedding.num_embeddings)
    if first or likely.kind != "int" or not _IMAGES.fullmatch(name):
        return likely
    return next((s for s in _likely_specs(model, Sizes(), convolutions=True)), likely)


def _likely_specs(model: nn.Module, known: Sizes, *, convolutions: bool = False) -> Iterator[ArraySpec]:
    """Inputs that the first layer with weights would take, then some more."""
    sides = known.sides
    spatial = [(side, side, side) for side in sides] + list(SIDES)
    if known.frames:
        spatial = [(known.frames, *sizes[:2]) for sizes in spatial]
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d):
            rank = len(layer.kernel_size)
            spaces = [sizes[-rank:] if known.frames else sizes[:rank] for sizes in spatial]
            yield from (ArraySpec("f32", (BATCH, layer.in_channels, *sizes)) for sizes in spaces)
            return
        if convolutions:
            continue
        if isinstance(layer, nn.Embedding):
            yield ArraySpec("int", (BATCH, LENGTH), layer.num_embeddings)
            return
        if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
            shape = (3, 5, layer.input_size) if isinstance(layer, nn.RNNBase) else (3, layer.input_size)
            yield ArraySpec("f32", shape)
            return
        if isinstance(layer, nn.MultiheadAttention):
            yield ArraySpec("f32", (3, 5, layer.embed_dim))
            return
        if isinstance(layer, nn.Linear | nn.LayerNorm | nn.RMSNorm):
            features = layer.in_features if isinstance(layer, nn.Linear) else layer.normalized_shape[-1]
            images = [(BATCH, c, *sizes[: 3 if known.frames else 2]) for sizes, c in itertools.product(spatial, (3, 1))]
            vectors = [(3, features), (BATCH, LENGTH, features)]
            both = [*images, *vectors] if sides and features not in sides else [*vectors, *images]
            yield from (ArraySpec("f32", shape) for shape in both)
            return
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.GroupNorm):
            channels = layer.num_channels if isinstance(layer, nn.GroupNorm) else layer.num_features
            rank = 1 if isinstance(layer, nn.BatchNorm1d) else 3 if isinstance(layer, nn.BatchNorm3d) else 2
            yield from (ArraySpec("f32", (BATCH, channels, *sizes[:rank])) for sizes in spatial)
            return
    yield from (ArraySpec("f32", shape) for shape in ((3, 5), (BATCH, 3, 5), (BATCH, 3, 33, 35)))


def varied(arrays: Arrays) -> Iterator[Inputs]:
    """Inputs in which a size that stands twice is another at one of its places, or the batch in all arrays."""
    if not arrays.arrays:
        return
    batches = {spec.shape[0] for _, spec in arrays.arrays if spec.shape}
    if len(batches) == 1:
        yield from _varied_batch(arrays, batches.pop())
    for index, spec in arrays.arrays:
        for axis in _repeated(spec.shape):
            for size in _other_sizes(spec.shape[axis], spec.shape):
                yield arrays.replaced({index: _resized(spec, axis, size)})
                same = {i: _resized(s, axis, size) for i, s in arrays.arrays if s.shape == spec.shape}
                if len(same) > 1:
                    yield arrays.replaced(same)
    yield from _varied_lengths(arrays)


def _varied_lengths(arrays: Arrays) -> Iterator[Inputs]:
    """Lengths of later arrays that an earlier one has too."""
    for (_, first), (index, spec) in itertools.combinations(arrays.arrays, 2):
        for axis in range(1, min(len(spec.shape), len(first.shape))):
            if spec.shape[axis] == first.shape[axis] > 1:
                yield arrays.replaced({index: _resized(spec, axis, spec.shape[axis] + 2)})


def _varied_batch(arrays: Arrays, batch: int) -> Iterator[Inputs]:
    others = {size for _, spec in arrays.arrays for size in spec.shape[1:]}
    if batch > 1 and batch not in others:
        return
    for size in (2, 3, 4, 5):
        if size not in others and size != batch:
            yield arrays.replaced({i: _resized(spec, 0, size) for i, spec in arrays.arrays if spec.shape})


def _repeated(shape: Sequence[int]) -> list[int]:
    """The axes whose size stands at an earlier place too, the last axis first."""
    return [axis for axis in reversed(range(1, len(shape))) if shape[axis] in shape[:axis] and shape[axis] > 1]


def _other_sizes(size: int, shape: Sequence[int]) -> list[int]:
    """Sizes near this one, with its divisors first: patches and strides want those."""
    near = [size + size // 2, size // 2, size + size // 4, size + 8, size + 1]
    return [other for other in dict.fromkeys(near) if other > 1 and other not in shape]


def _resized(spec: ArraySpec, axis: int, size: int) -> ArraySpec:
    shape = (*spec.shape[:axis], size, *spec.shape[axis + 1 :])
    return ArraySpec(spec.kind, shape, spec.high, spec.low)
