"""The modules of a model as a tree, each with its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch2jax.verify.page.code import Anchors
from torch2jax.verify.page.numbers import grade


@dataclass(slots=True)
class LayerView:
    """A module.

    name: the last part of its name. grade: the class of its error. bad: it is apart, though it was given the same.
    opened: whether what is in it is shown at once.
    """

    layer: Mapping[str, Any]
    name: str
    grade: str
    bad: bool
    href: str | None
    opened: bool = False
    children: list[LayerView] = field(default_factory=list)


def layer_tree(layers: Sequence[Mapping[str, Any]], anchors: Anchors) -> LayerView | None:
    """The tree of a model; None where there are no layers."""
    views = {layer["name"]: _view(layer, anchors) for layer in layers}
    root = views.get("")
    if root is None:
        return None
    for name, view in views.items():
        if name:
            views.get(name.rpartition(".")[0], root).children.append(view)
    _open(root, 0)
    return root


def _view(layer: Mapping[str, Any], anchors: Anchors) -> LayerView:
    built = layer["built"]
    href = anchors.source(built["file"], built["line"]) if built is not None else None
    found = "large" if layer["problem"] else grade(layer["max_rel"])
    given_same = grade(layer["given_rel"]) not in ("small", "large")
    bad = found in ("small", "large") and given_same
    return LayerView(layer, layer["name"].rpartition(".")[2], found, bad, href)


def _open(view: LayerView, depth: int) -> bool:
    """Open what leads to a layer that is apart, and the uppermost layers. Whether there is such a layer inside."""
    inside = [_open(child, depth + 1) for child in view.children]
    view.opened = any(inside) or depth == 0
    return any(inside) or view.bad
