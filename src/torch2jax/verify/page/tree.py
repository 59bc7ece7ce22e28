"""The modules of a model as a tree, each with its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch2jax.verify.page.code import Anchors
from torch2jax.verify.page.numbers import grade

_APART = ("small", "large")


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


def layer_tree(layers: Sequence[Mapping[str, Any]], anchors: Anchors, *, agrees: bool = False) -> LayerView | None:
    """The tree of a model; None where there are no layers.

    agrees: the whole does, so that none of its layers is bad; the result of one may only be laid out in another way.
    """
    views = {layer["name"]: _view(layer, anchors, agrees=agrees) for layer in layers}
    root = views.get("")
    if root is None:
        return None
    for name, view in views.items():
        if name:
            views.get(name.rpartition(".")[0], root).children.append(view)
    _open(root, 0)
    return root


def _view(layer: Mapping[str, Any], anchors: Anchors, *, agrees: bool) -> LayerView:
    built = layer["built"]
    href = anchors.source(built["file"], built["line"]) if built is not None else None
    found = "large" if layer["problem"] else grade(layer["max_rel"])
    bad = not agrees and found in _APART and grade(layer["given_rel"]) in ("exact", "rounding")
    return LayerView(layer, layer["name"].rpartition(".")[2], found, bad, href)


def _open(view: LayerView, depth: int) -> bool:
    """Open the model and what leads to a layer that is bad; only the innermost is. Whether there is one."""
    opened = [_open(child, depth + 1) for child in view.children]  # all of them, not only up to the first
    inside = any(opened)
    view.opened = inside or depth == 0
    view.bad = view.bad and not inside
    return inside or view.bad
