"""What a training step takes: the places that it reads, as parameters, and which of them are static under jit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import libcst as cst

from torch2jax.infer.kinds import (
    Api,
    BoundApi,
    ClassRef,
    Container,
    Free,
    Function,
    Instance,
    Layer,
    Mapping,
    Namespace,
    NoneKind,
    Number,
    Optimizer,
    Partial,
    Scheduler,
    Sequence,
    Str,
    Tensor,
    Unknown,
    is_module,
    options,
    without_none,
)
from torch2jax.regions.paths import Access, expression_of, last_name, path_text
from torch2jax.regions.region import Region
from torch2jax.rewrite.rewriter import Rewriter, call
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Scope, resolve

_Node = TypeVar("_Node", bound=cst.CSTNode)
_CONSTANT = Number | Str | Function | ClassRef | Partial | Namespace | Api | BoundApi | NoneKind
RNGS = "rngs"


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter: the place that is passed, its local name, and what it is under jit."""

    path: str
    place: cst.BaseExpression
    name: str
    is_static: bool = False
    is_stateful: bool = False


@dataclass(slots=True)
class Arguments:
    """The parameters of a step, and the local names of all places in it.

    ``split``: the names of the models' graph, their parameters, and the rest of their state.
    """

    every: list[Argument]
    names: dict[str, str]
    taken: set[str]
    loss_function: str = "loss_fn"
    split: tuple[str, str, str] = ("graphdef", "params", "rest")
    gradients: str = "grads"

    @classmethod
    def of(cls, rewriter: Rewriter, region: Region, inside: Access, called: set[str]) -> Arguments:
        """The models, the optimizers, then what else is read that is no constant of the file; static ones last.

        ``called``: the places that are called.
        """
        scope = rewriter.scopes[rewriter.function.node]
        chosen = _Chosen(rewriter, region, scope, called)
        trained = [path for each in region.trained for path in (*each.models, each.optimizer)]
        paths = list(dict.fromkeys(trained))
        if region.gradients:  # the update is another function's
            paths = [*region.models, *([] if region.is_new else [region.gradients])]
        paths += [region.copy] if region.copy else []
        paths += [path for path in inside.reads if path not in trained and chosen.is_argument(path)]
        again = [p for p in inside.writes if p not in inside.kills and p not in paths and _is_needed(scope, p, region)]
        paths += again
        whole = region.settings & set(paths)
        paths = [path for path in paths if not any(path.startswith(f"{each}.") for each in whole)]
        taken = {path for path in (*inside.reads, *inside.writes) if "." not in path}
        names: dict[str, str] = {}
        for path in (*paths, *(path for path in inside.writes if "." in path and path not in paths)):
            names[path] = path if "." not in path else _fresh(last_name(path), taken)
            taken.add(names[path])
        every = [
            Argument(path, chosen.given(path), names[path], chosen.is_static(path), chosen.is_stateful(path))
            for path in paths
        ]
        every.sort(key=lambda each: each.is_static)
        result = cls(every, names, taken)
        result.loss_function = _fresh("loss_fn", taken)
        parts = [_fresh(part, taken) for part in ("graphdef", "params", "rest")]
        result.split = (parts[0], parts[1], parts[2])
        result.gradients = _fresh("new_grads" if region.gradients and not region.is_new else "grads", taken)
        return result

    def local(self, path: str) -> str:
        """The name that a place has inside the step."""
        return self.names.get(path, path)

    def localized(self, node: _Node) -> _Node:
        """Translated code with the places in it under their local names."""
        changed = {path: name for path, name in self.names.items() if path != name}
        return cast("_Node", node.visit(_Localized(changed))) if changed else node


class _Chosen:
    """Which places are parameters, and of which sort."""

    def __init__(self, rewriter: Rewriter, region: Region, scope: Scope, called: set[str]) -> None:
        self.rewriter, self.region, self.scope, self.called = rewriter, region, scope, called
        self.written = _attributes_written(rewriter.file.tree)
        bodies = [fn.node for fn in rewriter.file.functions if fn.name != "__init__"]
        self.changed = {name for body in bodies for name in _attributes_written(body)}
        self.arrived = rewriter.arrivals.values if rewriter.arrivals is not None else {}

    def is_argument(self, path: str) -> bool:
        """Whether a place can't be left to the scope of the file."""
        root = path.partition(".")[0]
        if root in self.arrived:
            return True
        owner = resolve(self.scope, root)
        if owner is None:
            return root == RNGS
        if owner.parent is not None:
            return True
        if len(owner.names[root]) > 1 or root in self.region.varying or path in self.region.varying:
            return not self._is(path, Function | ClassRef | Namespace | Api)
        if "." in path and path.rpartition(".")[2] in self.written:
            return True
        return self._is(
            path, Tensor | Instance | Container | Optimizer | Scheduler | Sequence | Mapping
        ) or self._is_layer(path)

    def given(self, path: str) -> cst.BaseExpression:
        """What the call of the step passes."""
        place = expression_of(path)
        if path not in self.region.settings or self.region.outside:
            return place
        return call(self.rewriter.helper("static_settings"), [place])

    def is_static(self, path: str) -> bool:
        """Whether a parameter is a constant of the compiled step."""
        if path in self.region.models:
            return False
        if path in self.region.settings:
            return True
        if self._is(path, Function) or (self._is(path, Number) and self._is_size(path)):
            return True
        if self._is(path, Layer) and not self._is_layer(path):
            return True  # a function, which is no array whenever it changes
        if self._is_switch(path):
            return True
        if self._varies(path) or path == RNGS:
            return False
        if self._is(path, _CONSTANT):
            return True
        is_array = path in self.called or path in self.region.arrays
        return "." in path and not is_array and self._is(path, Unknown | Free)

    def _varies(self, path: str) -> bool:
        """Whether a place may hold something else in the next step."""
        root, _, rest = path.partition(".")
        if path in self.region.varying or not rest or root not in self.region.steady:
            return path in self.region.varying or root in self.region.varying
        return last_name(path) in self.changed

    def _is_switch(self, path: str) -> bool:
        """Whether it is text, a truth value or None, which Python decides by."""
        kind = self.region.kinds.get(path)
        found = list(options(kind)) if kind is not None else []
        is_switch = [isinstance(o, Str | NoneKind) or (isinstance(o, Number) and o.type == "bool") for o in found]
        return bool(found) and all(is_switch)

    def _is_size(self, path: str) -> bool:
        """Whether a number is one that shapes give: it may take part in others, and changes seldom."""
        bindings = self.scope.names.get(path, [])
        values = [node.value for node in bindings if isinstance(node, cst.Assign)]
        return bool(values) and len(values) == len(bindings) and all(_is_of_shape(value) for value in values)

    def is_stateful(self, path: str) -> bool:
        """Whether it is an object with Variables, which has to be an argument where gradients are taken."""
        if path == self.region.copy:
            return False
        kind = self.region.kinds.get(path)
        if path == RNGS:
            return True
        if kind is None or (path in self.called and self._is(path, Free | Unknown)):
            return path in self.called
        return self._is_layer(path) or any(
            is_module(option) and not isinstance(option, Layer) for option in options(without_none(kind))
        )

    def _is(self, path: str, kinds: Any) -> bool:
        kind = self.region.kinds.get(path)
        return kind is not None and all(isinstance(option, kinds) for option in options(kind))

    def _is_layer(self, path: str) -> bool:
        """Whether it is a layer of torch's own that is an object in Flax."""
        kind = self.region.kinds.get(path)
        found = list(options(without_none(kind))) if kind is not None else []
        return any(isinstance(option, Layer) and not option.stateless for option in found)


def _is_of_shape(node: cst.BaseExpression) -> bool:
    """Whether an expression is made of sizes: ``x.size(0)``, ``x.shape[0] // 2``, ``len(x)``."""
    for part in walk(node):
        if isinstance(part, cst.Attribute) and part.attr.value in ("shape", "size"):
            return True
        if isinstance(part, cst.Call) and isinstance(part.func, cst.Name) and part.func.value == "len":
            return True
    return False


def _is_needed(scope: Scope, path: str, region: Region) -> bool:
    """Whether a place that may be written, or not, had a value before."""
    if "." in path:
        return True
    return path in region.live and path in scope.names and len(scope.names[path]) > 1


def _attributes_written(tree: cst.CSTNode) -> set[str]:
    """Names of attributes that some assignment in it sets."""
    found = set()
    for node in walk(tree):
        if isinstance(node, cst.AssignTarget | cst.AugAssign) and isinstance(node.target, cst.Attribute):
            found.add(node.target.attr.value)
    return found


def _fresh(wanted: str, taken: Iterable[str]) -> str:
    name, number = wanted, 2
    held = taken if isinstance(taken, set) else set(taken)
    while name in held:
        name, number = f"{wanted}_{number}", number + 1
    held.add(name)
    return name


class _Localized(cst.CSTTransformer):
    """Puts local names in the place of paths."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return self._named(original_node, updated_node)

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        return self._named(original_node, updated_node)

    def _named(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> cst.BaseExpression:
        name = self._names.get(path_text(original) or "")
        return updated if name is None else cst.Name(name, lpar=updated.lpar, rpar=updated.rpar)
