"""Arguments with which a class can be built: those that the file itself uses, or values that the names suggest."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import itertools
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import nn

from torch2jax.verify.discovery.classes import attributes_of, constructor_calls
from torch2jax.verify.discovery.names import is_width, scales, values_for
from torch2jax.verify.discovery.uses import Use, uses_of
from torch2jax.verify.failures import FAILURES

_LARGE = 10_000_000
"""Parameters that a model may have before a smaller one of its kind is tried first."""
_VARIANTS = 24
_DEPTH = 3
_LENGTH = 2
_LAYERS = 6


def arguments_for(cls: type[nn.Module], module: ModuleType) -> Iterator[str]:
    """Arguments to try, in order; not all will do."""
    required = [p for p in _constructor_parameters(cls) if p.default is p.empty]
    uses = uses_of(cls.__init__, module)
    if not required:
        if _count_parameters(cls) > _LARGE:
            yield from _smaller(cls, {})
        yield ""
    yield from constructor_calls(cls, module)
    if required:
        yield from _combinations({p.name: _values(p, uses.get(p.name, Use()), module, _DEPTH) for p in required})


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    return [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _constructor_parameters(cls: type) -> list[inspect.Parameter]:
    """The parameters of a constructor, with those of the base class to which it hands `**kwargs` on."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not nn.Module:
            for parameter in _parameters(vars(base)["__init__"])[1:]:
                found.setdefault(parameter.name, parameter)
            kinds = [p.kind for p in inspect.signature(vars(base)["__init__"]).parameters.values()]
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                break
    return list(found.values())


def _combinations(values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Every parameter's first value; then one parameter at a time with its others; then two."""
    if not all(values.values()):
        return
    first = {name: options[0] for name, options in values.items()}
    changes = [(name, option) for name, options in values.items() for option in options[1:]]
    pairs = ((a, b) for a, b in itertools.combinations(changes, 2) if a[0] != b[0])
    together = [
        ({name: options[i] if len(options) > i else options[0] for name, options in values.items()}) for i in (1, 2)
    ]
    variants = itertools.chain(
        [first], ({**first, a: b} for a, b in changes), together, ({**first, **dict(p)} for p in pairs)
    )
    for variant in itertools.islice(variants, _VARIANTS):
        yield ", ".join(f"{name}={value}" for name, value in variant.items())


def _values(parameter: inspect.Parameter, use: Use, module: ModuleType, depth: int) -> tuple[str, ...]:
    """Values for one parameter, by annotation, by use and by name."""
    if depth <= 0:
        return ()
    if use.texts:
        return tuple(repr(text) for text in dict.fromkeys(use.texts))
    annotated = _annotated(parameter.annotation, module, depth)
    if annotated:
        return annotated
    attributes = frozenset(use.attributes - _TENSOR_ATTRIBUTES)
    if use.layer:
        return _layers(module, depth, attributes)
    if attributes or use.keys:
        return _configurations(use, module, depth) or _layers(module, depth, attributes)
    if use.called:
        return tuple(name for name, value in vars(module).items() if _is_plain_layer(value, module))
    name = parameter.name
    found = values_for(name, _annotation_name(parameter.annotation))
    for alias in use.aliases if not found else ():
        found = values_for(alias) or found
    if use.sequence:
        return _sequences(found or ("8",), use.length)
    return found or ("8", "2", "True", "0.5", "None")


_TENSOR_ATTRIBUTES = {"shape", "dtype", "device", "ndim", "append", "items", "keys", "get", "lower", "upper", "format"}


def _sequences(values: tuple[str, ...], length: int) -> tuple[str, ...]:
    """Tuples of the simple values, of the length that the code takes apart or of two, four and three items."""
    simple = [int(value) for value in values if value.isdigit()] or [8]
    ready = tuple(value for value in values if value.startswith(("(", "[")))
    lengths = [length] if length > 1 else [_LENGTH, 4, 3]
    made = []
    for count in lengths:
        made.append(repr(tuple(simple[0] * (i + 1) if simple[0] >= 8 else simple[0] for i in range(count))))
        made.append(repr(tuple(simple[0] for _ in range(count))))
    return tuple(dict.fromkeys([*(ready if length <= 1 else ()), *made]))


def _annotation_name(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def _annotated(declared: Any, module: ModuleType, depth: int) -> tuple[str, ...]:
    """Values of a type that says more than int, float, bool or str."""
    annotation: Any = declared
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, vars(module))  # noqa: S307 - the user's own
        except FAILURES:
            return ()
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return next((v for item in typing.get_args(annotation) if (v := _annotated(item, module, depth))), ())
    if origin is typing.Literal:
        return tuple(map(repr, typing.get_args(annotation)))
    if origin in (list, tuple) or annotation in (list, tuple):
        return ()
    if not inspect.isclass(annotation) or annotation.__module__ != module.__name__:
        return ()
    cls: type = annotation
    if vars(module).get(cls.__name__) is not cls:
        return ()
    if issubclass(cls, enum.Enum):
        return tuple(f"{cls.__name__}.{member.name}" for member in cls)
    return _instances(cls, module, depth)


def _instances(cls: type, module: ModuleType, depth: int) -> tuple[str, ...]:
    """Calls of a class of the module: a small instance first where sizes have defaults."""
    home = sys.modules.get(cls.__module__, module)
    uses = uses_of(cls.__init__, home)  # type: ignore[misc]
    required = {p.name: p for p in _constructor_parameters(cls) if p.default is p.empty}
    values = {name: _values(p, uses.get(name, Use()), module, depth - 1) for name, p in required.items()}
    found = (
        [*_smaller(cls, {name: v[0] for name, v in values.items() if v}), *_combinations(values)]
        if required
        else [*_smaller(cls, {}), ""]
    )
    name = cls.__name__ if vars(module).get(cls.__name__) is cls else f"{cls.__module__}.{cls.__name__}"
    return tuple(f"{name}({arguments})" for arguments in dict.fromkeys(found)) if all(values.values()) else ()


def _smaller(cls: type, required: Mapping[str, str]) -> list[str]:
    """Arguments with a small value for every size whose default is larger; then for those that are no widths."""
    small = {}
    for p in _parameters(cls):
        value = next(iter(values_for(p.name)), "")
        if type(p.default) is int and scales(p.name) and p.default > int(value):
            small[p.name] = value
    variants = [small, {name: value for name, value in small.items() if not is_width(name)}]
    texts = [", ".join(f"{name}={value}" for name, value in {**required, **v}.items()) for v in variants if v]
    return list(dict.fromkeys(texts))


def with_mentioned(cls: type, arguments: str, message: str) -> str:
    """The arguments with values for the optional parameters that an error speaks of, "" where it speaks of none."""
    call = ast.parse(f"_({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    given = {keyword.arg for keyword in call.keywords}
    optional = [p for p in _constructor_parameters(cls) if p.default is None and p.name not in given]
    spoken = set(re.findall(r"\w+", message))
    extra = [f"{p.name}={values_for(p.name)[0]}" for p in optional if p.name in spoken and values_for(p.name)]
    return ", ".join([*([arguments] if arguments else []), *extra]) if extra else ""


def _configurations(use: Use, module: ModuleType, depth: int) -> tuple[str, ...]:
    """An instance of the module's class that has these attributes, or an object or dict that is made of them."""
    if use.keys:
        return (_mapping(use.keys),) if all(values_for(key) for key in use.keys) else ()
    for cls in vars(module).values():
        if isinstance(cls, type) and cls.__module__ == module.__name__ and not issubclass(cls, nn.Module):
            fields = (
                {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set(vars(cls))
            )
            fields |= {p.name for p in _parameters(cls)}
            if len(use.attributes & fields) * 2 > len(use.attributes):
                return _instances(cls, module, depth)
    known = {name for name in use.attributes if values_for(name)}
    return (f"type('Config', (), {_mapping(known)})()",) if known == use.attributes else ()


def _mapping(keys: set[str]) -> str:
    return "{" + ", ".join(f"{key!r}: {values_for(key)[0]}" for key in sorted(keys)) + "}"


def _layers(module: ModuleType, depth: int, attributes: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Instances of the program's classes, those that the module itself names first, that set these attributes."""
    program = module.__name__.partition(".")[0]
    modules = [module, *(m for name, m in sorted(sys.modules.items()) if name.partition(".")[0] == program)]
    known = [c for m in modules for c in vars(m).values() if isinstance(c, type) and issubclass(c, nn.Module)]
    known = [c for c in dict.fromkeys(known) if c.__module__.partition(".")[0] == program and _sets(c, attributes)]
    return tuple(text for cls in known for text in _instances(cls, module, depth - 1)[:1])[:_LAYERS]


def _sets(cls: type, attributes: frozenset[str]) -> bool:
    """Whether a class of the program sets or defines most of these attributes."""
    wanted = attributes - set(dir(nn.Module))
    homes = [(sys.modules.get(base.__module__), base.__name__) for base in cls.__mro__]
    known = {name for home, base in homes if home is not None for name in attributes_of(home).get(base, ())}
    return len(wanted & known) * 2 >= len(wanted)


def _is_plain_layer(value: Any, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__


def _count_parameters(cls: type[nn.Module]) -> int:
    """How many parameters an instance has that is made without arguments, one too many where that can't be told."""
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            return sum(p.numel() for p in cls().parameters())
    except FAILURES:
        return _LARGE + 1
