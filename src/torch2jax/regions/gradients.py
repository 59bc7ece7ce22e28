"""Gradients that a program reads or changes by itself between a backward pass and the update.

PyTorch keeps them in ``p.grad``, JAX gives them as a result. Where a function has them in a variable, ``p.grad`` of a
loop over parameters is a part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.infer.kinds import Free, Unknown, options
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.blocks import Place
from torch2jax.regions.build import zeroes
from torch2jax.regions.paths import path_of
from torch2jax.regions.region import Accumulation, Marked, NoRegionError, Role, Structure, Trained
from torch2jax.regions.walked import Walked, binds, loops_of, walked
from torch2jax.source.nodes import children, dotted_name, walk

_HINT = "go over `model.parameters()` or `model.named_parameters()` behind the backward pass, in the same function"
_NOTES = ("gradient", "write_gradient")


@dataclass(frozen=True, slots=True)
class Use:
    """``p.grad`` of a parameter, or a call that looks at gradients. ``around``: what it stands in, outermost first."""

    node: Any
    around: tuple[cst.CSTNode, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """``model.parameters()`` in a loop that looks at gradients.

    ``gradients``: the expression for those of the module. ``is_beside``: the loop looks at the parameters as well.
    """

    over: Walked
    gradients: Part
    is_beside: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What a loop assigns: the gradient under a name, beside what it was where ``is_beside``."""

    node: cst.BaseExpression
    name: str
    is_beside: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Gradients of a part of what is trained.

    ``root``: the variable with all, and the item in it. ``node``: the module or parameter. ``model``: how the whole
    is spelled in it.
    """

    root: str
    node: cst.BaseExpression
    model: str


def uses_of(fn: FunctionInfo) -> list[Use]:
    """The gradients of parameters that a function reads or changes."""
    special = fn.facts.special
    if not any((special.get(node) or ("",))[0] in _NOTES for node in special):
        return []
    return list(_uses(fn, fn.node, ()))


def _uses(fn: FunctionInfo, node: cst.CSTNode, around: tuple[cst.CSTNode, ...]) -> Iterator[Use]:
    if isinstance(node, cst.Attribute) and (fn.facts.special.get(node) or ("",))[0] in _NOTES:
        yield Use(node, around)
    for child in children(node):
        yield from _uses(fn, child, (*around, node))


def renewed_by(uses: Sequence[Use]) -> list[Any]:
    """The places where a program gives a parameter another gradient: ``p.grad = g``."""
    return [use.node for use in uses if isinstance(use.around[-1], cst.AssignTarget)]


def asks_for_any(uses: Sequence[Use]) -> bool:
    """Whether a program looks which parameters have gradients."""
    return any(isinstance(use.around[-1], cst.Comparison | cst.UnaryOperation | cst.If) for use in uses)


def model_of(fn: FunctionInfo, use: Use) -> str | None:
    """The model whose parameter it is the gradient of, as far as the source spells it."""
    node = use.node.value
    if isinstance(node, cst.Name):
        name = node.value
        loops = (pair for each in reversed(use.around) for pair in loops_of(each) if binds(pair[0], name))
        target, iterable = next(loops, (None, None))
        found = walked(fn, target, iterable, name) if target is not None and iterable is not None else None
        if found is None or found.is_given:
            return None
        node = found.holder
    place = path_of(node, fn.facts.kinds.get)
    return place[0] if place is not None else None


class Gradients:
    """The gradients in one function that has them in a variable.

    ``roles``: its statements with a role, in order. ``renewing``: what gives parameters other gradients.
    """

    def __init__(
        self,
        program: Program,
        fn: FunctionInfo,
        added: Accumulation,
        roles: Sequence[tuple[Any, Marked]],
        taken: set[str],
        renewing: Sequence[cst.CSTNode] = (),
    ) -> None:
        self.program, self.fn, self.added, self.roles, self.renewing = program, fn, added, roles, renewing
        self.name = next((name for name in ("grad", "g", "gradient") if name not in taken), "grad_")
        self.order = {node: place for place, node in enumerate(walk(fn.node))}

    def note(self, uses: Sequence[Use]) -> None:
        """Note what stands for each use.

        Raises:
            NoRegionError: one of them, or a step, is not known to find what the variable holds.
        """
        if self.added.is_new:
            for statement, marked in self.roles:
                if marked.role is Role.STEP:
                    self._check_current(marked.node, self._around(statement))
        for use in uses:
            self._check_current(use.node, use.around)
            if not self._is_copy(use):
                check_kept_before(self.fn, use.node, use.around, [*self._changes(), *self.renewing])
        self.program.gradients |= self.stand_ins(uses)
        nodes = {use.node for use in uses}
        for key in [k for k in self.fn.facts.findings if k[1] in nodes and k[0] in ("T2J103", "T2J108")]:
            del self.fn.facts.findings[key]

    def stand_ins(self, uses: Sequence[Use]) -> dict[cst.CSTNode, Any]:
        """What stands for each use, and for the parts of loops around them.

        Raises:
            NoRegionError: it is not known whose gradient one of them is.
        """
        loops: dict[cst.CSTNode, list[Use]] = {}
        found: dict[cst.CSTNode, Any] = {}
        for use in uses:
            if isinstance(use.around[-1], cst.Del):
                raise NoRegionError("a gradient is deleted", use.node, "set it to zero")
            binder = self._binder(use)
            if binder is not None:
                loops.setdefault(binder, []).append(use)
            else:
                found[use.node] = self.part_of(use.node.value, use.node)
        for binder, inside in loops.items():
            found |= self._loop(binder, inside)
        return found

    def check_at(self, use: Use, keeps: bool) -> None:
        """Raise `NoRegionError` unless a call finds the gradients that the variable holds; it may ``keeps`` them."""
        self._check_current(use.node, use.around)
        if keeps and (self._changes() or self.renewing):
            raise NoRegionError("a gradient is kept that changes in place", use.node, "keep a copy of it: `.clone()`")

    def _is_copy(self, use: Use) -> bool:
        """Whether a loop gets copies of gradients."""
        binder = self._binder(use)
        walks = (part for _, iterable in loops_of(binder) for part in walk(iterable)) if binder is not None else ()
        return any(part in self.fn.facts.in_torch_order for part in walks)

    def _changes(self) -> list[Any]:
        """The statements that change gradients in place: where they add up, and zeroing that leaves zeros."""
        if not self.added.is_new:
            return [s for s, m in self.roles if m.role in (Role.BACKWARD, Role.ZERO)]
        zeros = [(s, m) for s, m in self.roles if m.role is Role.ZERO]
        return [s for s, m in zeros if any(isinstance(p, cst.Name) and p.value == "False" for p in walk(m.node))]

    def _around(self, statement: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
        return tuple(node for node in walk(self.fn.node) if node is not statement and statement in set(walk(node)))

    def part_of(self, node: cst.BaseExpression, cause: cst.CSTNode) -> Part:
        """Where the gradients of a parameter or module are. Raises `NoRegionError` where that is not known."""
        models = self.added.trained.models
        is_alone = len(models) == 1 and self.added.trained.structure == models[0]
        inner: cst.CSTNode = node
        while True:
            spelled = cst.Module([]).code_for_node(inner)
            if spelled in models:
                self._check_zeroed(node, cause)
                item = "" if is_alone else f"[{models.index(spelled)}]"
                return Part(f"{self.added.gradients}{item}", node, spelled)
            if not isinstance(inner, cst.Attribute | cst.Subscript):
                break
            inner = inner.value
        raise NoRegionError("it is not known whose gradient this is", cause, _HINT)

    def _check_zeroed(self, node: cst.BaseExpression, cause: cst.CSTNode) -> None:
        """Raise `NoRegionError` where an optimizer zeroes its gradients, and others are looked at that add up."""
        trained = self.added.trained
        by_optimizer = any(m.role is Role.ZERO and dotted_name(m.subject) == trained.optimizer for _, m in self.roles)
        if not trained.is_part or not by_optimizer:
            return
        leaves = [leaf for leaf in _leaves(trained.structure) if leaf not in trained.models]
        spelled = cst.Module([]).code_for_node(node)
        if not any(spelled == leaf or spelled.startswith((f"{leaf}.", f"{leaf}[")) for leaf in leaves):
            message = "gradients that are not zeroed, of parameters that the optimizer lacks"
            raise NoRegionError(message, cause, f"zero them by `{trained.model}.zero_grad()`")

    # loops

    def _binder(self, use: Use) -> Any:
        """The loop or comprehension whose variable it is the gradient of."""
        name = use.node.value
        if not isinstance(name, cst.Name):
            return None
        for node in reversed(use.around):
            if any(binds(target, name.value) for target, _ in loops_of(node)):
                return node
        return None

    def _loop(self, binder: Any, uses: Sequence[Use]) -> dict[cst.CSTNode, Any]:
        """What stands for the parts of a loop."""
        names = {use.node.value.value for use in uses if isinstance(use.node.value, cst.Name)}
        found: dict[cst.CSTNode, Any] = {}
        if len(names) > 1:
            raise NoRegionError("a loop over the gradients of two models", uses[0].node, _HINT)
        name = names.pop()
        target, iterable = next((t, i) for t, i in loops_of(binder) if binds(t, name))
        over = walked(self.fn, target, iterable, name)
        if over is None:
            raise NoRegionError("it is not known whose gradient this is", uses[0].node, _HINT)
        part = self.part_of(over.holder, uses[0].node)
        own = {use.node.value for use in uses}
        read = [n for n in _names(binder) if n.value == name and n not in own and n not in set(walk(target))]
        if any(isinstance(part, cst.Else) for use in uses for part in use.around[use.around.index(binder) + 1 :][:1]):
            raise NoRegionError("a gradient behind its loop", uses[0].node, _HINT)
        found[over.iterable] = Walk(over, part, bool(read))
        found[over.target] = Target(over.target, self.name, bool(read))
        return found | {use.node: self.name for use in uses}

    # when

    def _check_current(self, node: cst.CSTNode, around: Sequence[cst.CSTNode]) -> None:
        """Raise `NoRegionError` unless the variable holds what ``p.grad`` is there."""
        order, here = self.order, self.order[node]
        passes = [(s, m) for s, m in self.roles if m.role is Role.BACKWARD and order[s] < here]
        if not passes:
            raise NoRegionError("gradients of an earlier backward pass", node, _HINT)
        last, marked = passes[-1]
        between = [m for s, m in self.roles if order[last] < order[s] < here]
        is_scaled = marked.subject in {arg.value for arg in _receiver_args(marked.node)}
        is_step = any(m.node is node for _, m in self.roles)
        if is_scaled and not is_step and not any(_method(m.node) == "unscale_" for m in between):
            raise NoRegionError("gradients of a scaled loss", node, "call `scaler.unscale_` before")
        if not self.added.is_new:
            return
        outside = [other for other in around if last not in set(walk(other))]
        zeros = [s for s, m in self.roles if m.role is Role.ZERO]
        is_gone = any(m.role is Role.ZERO for m in between)
        is_gone |= any(zero in set(walk(other)) for other in outside for zero in zeros)
        skipped = [o for o in self._around(last) if o not in around and not isinstance(o, _ALWAYS)]
        if is_gone or skipped:
            message = "gradients that may have been zeroed, or not computed, when this is reached"
            raise NoRegionError(message, node, _HINT)


_ALWAYS = (cst.For, cst.While, cst.With, cst.IndentedBlock)
"""What a backward pass may stand in that is run before what follows."""


def _leaves(structure: Structure) -> Iterator[str]:
    if isinstance(structure, str):
        yield structure
    else:
        for part in structure:
            yield from _leaves(part)


def around_of(
    node: cst.CSTNode, leaf: str, around: tuple[cst.CSTNode, ...] = ()
) -> Iterator[tuple[cst.CSTNode, tuple[cst.CSTNode, ...]]]:
    """Where ``leaf.grad`` stands, each with what it stands in."""
    if isinstance(node, cst.Attribute) and dotted_name(node) == f"{leaf}.grad":
        yield node, around
    for child in children(node):
        yield from around_of(child, leaf, (*around, node))


def keeper_of(node: cst.CSTNode, around: Sequence[cst.CSTNode]) -> str | None:
    """What keeps the memory of a gradient: the name of a variable, empty for anything else; None if nothing does."""
    for parent in reversed(around):
        match parent:
            case cst.Attribute(attr=cst.Name("data" | "T" | "detach" | "view" | "reshape" | "flatten" | "squeeze")):
                pass
            case cst.Call(func=func) if func is node:
                pass
            case cst.Subscript(value=value) if value is node:
                pass
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))], value=value) if value is node:
                return name
            case cst.Assign() | cst.AnnAssign() | cst.Return() | cst.Element() | cst.DictElement() | cst.BaseComp():
                return ""
            case cst.Arg():
                call = around[around.index(parent) - 1]
                func_ = call.func if isinstance(call, cst.Call) else None
                puts = isinstance(func_, cst.Attribute) and func_.attr.value in _PUTS
                return "" if puts else None
            case _:
                return None
        node = parent
    return None


_PUTS = frozenset("append appendleft add insert extend update setdefault".split())


def check_kept_before(fn: FunctionInfo, node: cst.CSTNode, around: Sequence[cst.CSTNode], ends: Sequence[Any]) -> None:
    """Raise `NoRegionError` where something that keeps a gradient is looked at once it has been changed in place.

    ``ends``: the statements that change it.
    """
    name = keeper_of(node, around)
    if name is None or not ends:
        return
    order = {part: place for place, part in enumerate(walk(fn.node))}
    reads = [order[n] for n in _names(fn.node) if n.value == name and order[n] > order[node]]
    first = min((order[end] for end in ends if order[end] > order[node]), default=None)
    if not name or (first is not None and any(read > first for read in reads)):
        raise NoRegionError("a gradient is kept that changes in place", node, "keep a copy of it: `.clone()`")


def flag_unknown(program: Program, fn: FunctionInfo, models: Collection[str]) -> None:
    """Report gradients of what a trained model holds where its class is not known."""
    for node in walk(fn.node) if models else ():
        if not isinstance(node, cst.Attribute) or node.attr.value != "grad" or node in program.gradients:
            continue
        kind = fn.facts.kinds.get(node.value)
        spelled = dotted_name(node.value) or ""
        is_held = any(spelled.startswith(f"{model}.") for model in models)
        if is_held and kind is not None and all(isinstance(o, Free | Unknown) for o in options(kind)):
            message = "it is not known whose gradient this is"
            fn.facts.findings["T2J103", node, message] = Finding(
                "T2J103", node, message, "annotate the parameter with the class of the model"
            )


def zeroed_each(where: Sequence[Place], trained: Trained) -> bool:
    """Whether the gradients of each backward pass are zeroed in front of it, in the same block."""
    for place in where:
        first = place.group.backward[0]
        zeroed = [i for i, m in place.roles.items() if m.role is Role.ZERO and zeroes(m, trained)]
        if not any(place.start <= i < first for i in zeroed) or len(place.group.backward) > 1:
            return False
    return True


def _receiver_args(node: cst.Call) -> Sequence[cst.Arg]:
    """The arguments of ``scaler.scale(loss)`` in ``scaler.scale(loss).backward()``."""
    receiver = node.func.value if isinstance(node.func, cst.Attribute) else None
    return receiver.args if isinstance(receiver, cst.Call) else ()


def _method(node: cst.Call) -> str:
    return node.func.attr.value if isinstance(node.func, cst.Attribute) else ""


def _names(node: cst.CSTNode) -> Iterator[cst.Name]:
    """The names in a piece of code, without those behind dots and of keywords."""
    for child in children(node):
        if isinstance(node, cst.Attribute) and child is node.attr:
            continue
        if isinstance(node, cst.Arg) and child is node.keyword:
            continue
        if isinstance(child, cst.Name):
            yield child
        yield from _names(child)
