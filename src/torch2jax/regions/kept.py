"""Arrays of parameters that are kept while steps change them.

``before = model.fc.weight.data`` shares memory with the parameter in PyTorch, so that it changes with every step; in
JAX it is the value of that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, cast

import libcst as cst

from torch2jax.infer.facts import Finding, RuleCall, UserCall
from torch2jax.infer.kinds import Free, Mapping, Sequence, Tensor, Tuple, Unknown, options, without_none
from torch2jax.infer.liveness import Liveness
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.infer.storage import MAY_BE_THE_SAME, is_value
from torch2jax.regions.callees import callees, reached, receiver_of
from torch2jax.regions.paths import touches
from torch2jax.regions.region import Region
from torch2jax.source.nodes import children, dotted_name, walk

_PUTS = frozenset("append appendleft add insert extend".split())
_MAY_COPY = frozenset("to cuda cpu type type_as float double half as_tensor asarray".split())
_HINT = "add `.clone()` in the source if the value of this moment is meant"
_DEEP = 3


def check_kept(program: Program, found: Iterable[tuple[FunctionInfo, Region]]) -> None:
    """Report what is kept of a parameter as it was, where PyTorch's would change with it."""
    regions: dict[FunctionInfo, list[Region]] = {}
    for fn, region in found:
        regions.setdefault(fn, []).append(region)
    if not regions:
        return
    for fn in program.functions.values():
        if not isinstance(fn.node, cst.Lambda):
            _Kept(fn, regions).check()


class _Kept:
    """What one function keeps."""

    def __init__(self, fn: FunctionInfo, regions: dict[FunctionInfo, list[Region]]) -> None:
        self.fn, self.regions = fn, regions
        self.values = _assigned(fn.node)

    def check(self) -> None:
        """Report each of them once."""
        kept = list(self._kept())
        if not kept:
            return
        alive = self._alive()
        for value, place, keeps_memory in kept:
            base = _shared(self.fn, value, self.values)
            if base is None:
                continue
            parameter, is_certain = base[0], base[1] and keeps_memory
            is_changed = self._is_changed(parameter, alive.get(place, ()))
            if is_changed and is_certain:
                message = "this changes in PyTorch when the parameter does, and keeps its value here"
                self._report("T2J105", value, message)
            elif is_changed is None or is_changed or not place or "." in place:
                message = "assumed that the parameter does not change in place while its old value is kept here"
                self._report("T2J201", value, message)

    def _report(self, code: str, node: cst.CSTNode, message: str) -> None:
        self.fn.facts.findings[code, node, message] = Finding(code, node, message, _HINT)

    def _kept(self) -> Iterator[tuple[cst.BaseExpression, str, bool]]:
        """Expressions that are kept, with the name of what keeps them: of a variable, a list or an object.

        The third says whether it is surely their memory that is kept.
        """
        yield from self.put()
        for node in _inside(self.fn.node):
            if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
                for value, is_certain in self._kept_by_method(node):
                    yield value, dotted_name(node.func.value) or "", is_certain

    def put(self) -> Iterator[tuple[cst.BaseExpression, str, bool]]:
        """What the function itself puts somewhere."""
        kinds = self.fn.facts.kinds
        for node in _inside(self.fn.node):
            match node:
                case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value):
                    holder: cst.BaseExpression = target.value if isinstance(target, cst.Subscript) else target
                    if holder is target or not isinstance(without_none(kinds.get(holder, Unknown())), Tensor):
                        for item in _items(value):
                            yield item, dotted_name(holder) or "", True
                case cst.Call(func=cst.Attribute(value=box, attr=cst.Name(method)), args=args) if method in _PUTS:
                    if _is_container(kinds.get(box)):
                        for arg in args:
                            yield arg.value, dotted_name(box) or "", True

    def _kept_by_method(self, node: cst.Call) -> Iterator[tuple[cst.BaseExpression, bool]]:
        """The arguments of a call which the method puts into its object."""
        fact = self.fn.facts.calls.get(node)
        for target in fact.targets if isinstance(fact, UserCall) else ():
            if not isinstance(target, FunctionInfo) or not target.is_method or isinstance(target.node, cst.Lambda):
                continue
            keeps = _kept_parameters(target)
            names = [name for name in target.params if name != receiver_of(target)]
            for index, arg in enumerate(node.args):
                name = arg.keyword.value if arg.keyword is not None else "".join(names[index : index + 1])
                if name in keeps and not arg.star:
                    yield arg.value, keeps[name]

    def _alive(self) -> dict[str, list[str]]:
        """For each name that is read after a step, the models which that step trains; all of them: ``"*"``."""
        steps: dict[cst.CSTNode, list[str]] = {}
        for region in self.regions.get(self.fn, ()):
            steps.setdefault(region.statements[-1], []).extend(region.models)
        body: Any = self.fn.node.body
        statements = list(body.body if isinstance(body, cst.IndentedBlock) else body)
        for node in _inside(self.fn.node):
            if isinstance(node, cst.SimpleStatementLine) and any(fn in self.regions for fn in self._called(node)):
                steps.setdefault(node, []).append("*")
        if not steps:
            return {}
        after = Liveness(statements).after
        alive: dict[str, list[str]] = {}
        for statement, models in steps.items():
            for name in after.get(statement, ()):
                alive.setdefault(name, []).extend(models)
        return alive

    def _called(self, line: cst.SimpleStatementLine) -> Iterator[FunctionInfo]:
        if any(True for node in walk(line) for _ in callees(self.fn.facts, node)):
            yield from (callee for _, callee in reached(self.fn, [line]))

    def _is_changed(self, parameter: cst.BaseExpression, models: Collection[str]) -> bool | None:
        """Whether a parameter is one of the models'; None where names do not tell."""
        path = dotted_name(parameter)
        roots = {model.partition(".")[0] for model in models}
        if path is None or path.partition(".")[0] not in roots:
            return None if models else False
        return any(touches(path, model) for model in models)


def _is_container(kind: Any) -> bool:
    found = list(options(without_none(kind))) if kind is not None else []
    return not found or any(isinstance(option, Sequence | Mapping | Tuple | Free | Unknown) for option in found)


def _items(value: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """An expression, or what a display or comprehension is made of."""
    match value:
        case cst.List() | cst.Tuple() | cst.Set():
            for element in value.elements:
                yield from _items(element.value)
        case cst.Dict():
            for each in value.elements:
                yield from _items(each.value)
        case cst.ListComp() | cst.SetComp():
            yield from _items(value.elt)
        case cst.DictComp():
            yield from _items(value.value)
        case _:
            yield value


def _inside(fn: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes of a function without those of functions and classes in it."""
    for child in children(fn):
        if not isinstance(child, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            yield child
            yield from _inside(child)


def _assigned(fn: cst.CSTNode) -> dict[str, list[cst.BaseExpression]]:
    """What the variables of a function are assigned."""
    found: dict[str, list[cst.BaseExpression]] = {}
    for node in _inside(fn):
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))], value=value):
                found.setdefault(name, []).append(value)
    return found


def _shared(
    fn: FunctionInfo,
    node: cst.BaseExpression,
    values: dict[str, list[cst.BaseExpression]],
    deep: int = _DEEP,
    names: Collection[str] = (),
) -> tuple[cst.BaseExpression, bool] | None:
    """The parameter whose value an expression gives, and shares in PyTorch: for certain, or perhaps; else None.

    ``names``: variables that count as such.
    """
    is_certain = True
    kinds, facts = fn.facts.kinds, fn.facts
    while True:
        if isinstance(node, cst.Name) and node.value in names:
            return node, is_certain
        kind = without_none(kinds.get(node, Unknown()))
        if (facts.special.get(node) or ("",))[0] == "gradient":
            return None  # which no step changes
        if is_value(kind) and not _is_view(facts.calls.get(node)):
            return None
        if isinstance(kind, Tensor) and kind.variable and (node in facts.reads or node in facts.relayouts):
            return node, is_certain
        match node:
            case cst.Attribute():
                fact = facts.calls.get(node)
                if isinstance(fact, RuleCall) and fact.rule.fresh:
                    return None
                if not isinstance(fact, RuleCall) and (facts.special.get(node) or ("",))[0] != "data":
                    return None
                node = node.value
            case cst.Subscript() if isinstance(without_none(kinds.get(node.value, Unknown())), Tensor):
                node = node.value
            case cst.Name(name) if deep and name in values:
                others = [value for value in values[name] if value is not node]
                return _first(_shared(fn, value, values, deep - 1, names) for value in others)
            case cst.Call():
                fact = facts.calls.get(node)
                if isinstance(fact, UserCall) and deep:
                    return _first(_given(target, deep - 1) for target in fact.targets)
                inner = _argument_given_back(fact) if isinstance(fact, RuleCall) else None
                if inner is None:
                    return None
                is_certain = is_certain and not _MAY_COPY & _names(cast("RuleCall", fact))
                node = inner
            case _:
                return None


def _kept_parameters(fn: FunctionInfo) -> dict[str, bool]:
    """The parameters of a method whose memory it puts into its object, surely or perhaps."""
    values = _assigned(fn.node)
    own = fn.params.keys() - values.keys() - {receiver_of(fn)}
    found: dict[str, bool] = {}
    for value, place, _ in _Kept(fn, {}).put():
        shared = _shared(fn, value, values, names=own) if "." in place else None
        if shared is not None and isinstance(shared[0], cst.Name) and shared[0].value in own:
            found[shared[0].value] = found.get(shared[0].value, False) or shared[1]
    return found


def _is_view(fact: object) -> bool:
    """Whether a call gives the memory of an array to NumPy."""
    return isinstance(fact, RuleCall) and bool(_names(fact) & {"numpy", "__array__"})


def _given(fn: Any, deep: int) -> tuple[cst.BaseExpression, bool] | None:
    """What a function gives back of a parameter."""
    if not isinstance(fn, FunctionInfo) or isinstance(fn.node, cst.Lambda):
        return None
    values = _assigned(fn.node)
    given = [node.value for node in _inside(fn.node) if isinstance(node, cst.Return) and node.value is not None]
    found = _first(_shared(fn, value, values, deep) for value in given)
    return (cst.Call(cst.Name(fn.name)), found[1]) if found is not None else None


def _names(fact: RuleCall) -> set[str]:
    return {name.rpartition(".")[2] for name in fact.rule.names}


def _argument_given_back(fact: RuleCall) -> cst.BaseExpression | None:
    """The argument whose memory the result of a call may share."""
    if fact.target is not None or (fact.rule.fresh and not _names(fact) & MAY_BE_THE_SAME):
        return None
    if fact.receiver is not None:
        return fact.receiver
    first = next((bound.arg for bound in fact.bound.args.values() if bound.arg is not None), None)
    return cast("cst.BaseExpression", first.node) if first is not None else None


def _first(found: Iterable[tuple[cst.BaseExpression, bool] | None]) -> tuple[cst.BaseExpression, bool] | None:
    return next((each for each in found if each is not None), None)
