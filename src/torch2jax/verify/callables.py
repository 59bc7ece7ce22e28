"""Layers of a translation that are no modules: functions and partials in attributes and in Sequentials."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

_MOVING = (jnp.transpose, jnp.moveaxis, jnp.swapaxes)
"""What stands between layers that keep their axes in different orders; the original has no layer for it."""


@dataclass(eq=False)
class Followed:
    """A function of a model that tells of its calls.

    name: that of the layer it takes the place of, as torch's modules are named. told: called with it, what it was given
    and what it gave, or the error that it raised. holder, key: the module that holds it, and its attribute there, or
    its number in a Sequential.
    """

    name: str
    function: Callable[..., Any]
    told: Callable[[Followed, tuple[Any, ...], Any], object]
    holder: nnx.Module
    key: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        try:
            result = self.function(*args, **kwargs)
        except Exception as error:
            self.told(self, args, error)
            raise
        self.told(self, args, result)
        return result


def follow(
    model: nnx.Module,
    told: Callable[[Followed, tuple[Any, ...], Any], object],
    names: Mapping[int, str],
    children: Mapping[str, Sequence[str]],
) -> list[Followed]:
    """Put `Followed` in place of the functions that a model holds, and give them. In place.

    names: torch's name of each module, by identity. children: those of the layers in each of the original's modules. A
    function of a Sequential that is none of them is left alone.
    """
    found: list[Followed] = []

    def followed(name: str, function: Callable[..., Any], holder: nnx.Module, key: str) -> Followed:
        found.append(Followed(name, function, told, holder, key))
        return found[-1]

    for node in named_modules(model).values():
        prefix = names.get(id(node))
        if prefix is None:
            continue
        if isinstance(node, nnx.Sequential):
            layers = list(node.layers)
            for index, child in enumerate(numbered(layers, children.get(prefix), names)):
                if child is not None and _is_function(layers[index]):
                    layers[index] = followed(_join(prefix, child), layers[index], node, str(index))
            if any(isinstance(layer, Followed) for layer in layers):
                node.layers = nnx.List(layers)
        elif not type(node).__module__.startswith("flax."):
            for key, value in list(vars(node).items()):
                if _is_function(value) and not key.startswith("_"):
                    setattr(node, key, followed(_join(prefix, key), value, node, key))
    return found


def numbered(layers: Sequence[Any], children: Sequence[str] | None, names: Mapping[int, str]) -> list[str | None]:
    """Which child of torch's Sequential each layer of a translation's is, by name; None where it is none of them.

    names: torch's names of the layers that are known. What stands between two of these belongs together in order, if it
    is as much on both sides; functions that only move axes need not count.
    """
    if children is None:
        return [str(index) for index in range(len(layers))]
    found: list[str | None] = [names.get(id(layer), "").rpartition(".")[2] for layer in layers]
    found = [name if name in children else None for name in found]
    known = [(index, children.index(name)) for index, name in enumerate(found) if name is not None]
    for (first, here), (last, there) in pairwise([(-1, -1), *known, (len(layers), len(children))]):
        free = list(range(first + 1, last))
        if len(free) != there - here - 1:
            free = [index for index in free if not _moves_axes(layers[index])]
        if len(free) == there - here - 1:
            for index, child in zip(free, children[here + 1 : there], strict=True):
                found[index] = child
    return found


def _moves_axes(layer: Any) -> bool:
    return isinstance(layer, partial) and layer.func in _MOVING


def _is_function(value: Any) -> bool:
    """Whether it is a function, however wrapped (`jax.jit`, `jax.custom_jvp`, a partial), and no object of a class."""
    return callable(value) and not isinstance(value, type | nnx.Pytree | nnx.Variable | jax.Array | Followed)


def named_modules(model: nnx.Module) -> dict[str, nnx.Module]:
    """The modules of a translation under the names that `named_modules` gives the original's.

    A Sequential of Flax keeps in the attribute `layers` what are the children of one of torch.
    """
    nodes = dict(nnx.iter_graph(model))
    found: dict[str, nnx.Module] = {}
    for path, node in nodes.items():
        if isinstance(node, nnx.Module):
            inside = [isinstance(nodes.get(path[:depth]), nnx.Sequential) for depth in range(len(path))]
            parts = [str(part) for part, own in zip(path, inside, strict=True) if not (own and part == "layers")]
            found[".".join(parts)] = node
    return found


def _join(prefix: str, key: str) -> str:
    return f"{prefix}.{key}" if prefix else key


def line_of_element(source: str, line: int, index: int) -> int | None:
    """The line of an argument of the call that begins at a line; None where it can't be told apart."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or node.lineno != line or len(node.args) <= index:
            continue
        if not any(isinstance(argument, ast.Starred) for argument in node.args[: index + 1]):
            return node.args[index].lineno
    return None


def line_of_attribute(source: str, cls: str, name: str) -> int | None:
    """The line in a class that assigns to an attribute of `self`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == cls:
            return next((part.lineno for part in _assignments(node) if _assigns(part, name)), None)
    return None


def _assignments(node: ast.ClassDef) -> Iterator[ast.Assign | ast.AnnAssign]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Assign | ast.AnnAssign))


def _assigns(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(
        isinstance(t, ast.Attribute) and t.attr == name and isinstance(t.value, ast.Name) and t.value.id == "self"
        for t in targets
    )
