"""What stays PyTorch for data loading, and the lines and calls at which values cross."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torch2jax.infer.facts import HostCall
from torch2jax.infer.kinds import Api, BoundApi, HostObject
from torch2jax.rewrite.distributed import batch_function, with_processes
from torch2jax.rewrite.rewriter import Rewriter, argument, assignment, attribute, call, statement
from torch2jax.source.nodes import walk


def host_call(rewriter: Rewriter, node: cst.Call, fact: HostCall) -> Any:
    """A call of something that stays; a DataLoader gives NumPy arrays."""
    if rewriter.program.uses_grain:
        made = _in_grain(rewriter, node)
        return with_processes(rewriter, node, made) if fact.asks_processes else made
    rewriter.tally.translated += 1
    rewriter.kept.add(node.func)
    result = rewriter.generic(node)
    if fact.asks_processes:
        return with_processes(rewriter, node, result)
    return _with_collate(rewriter, node, result, fact.collate) if fact.loads else result


def _in_grain(rewriter: Rewriter, node: cst.Call) -> Any:
    """The call where data loading becomes NumPy and grain."""
    from torch2jax.rewrite.grain import data_call, object_call

    match rewriter.kind(node.func):
        case Api(name=name):
            return data_call(rewriter, node, name)
        case BoundApi(receiver=HostObject() as receiver, name=name):
            return object_call(rewriter, node, receiver, name)
    rewriter.tally.translated += 1
    return rewriter.generic(node)


def _with_collate(rewriter: Rewriter, node: cst.Call, result: cst.Call, collate: Any) -> cst.Call:
    """``DataLoader(..., collate_fn=numpy_collate)``, without what is for CUDA."""
    from torch2jax.rewrite.calls import with_keyword

    value: cst.BaseExpression = rewriter.helper("numpy_collate")
    if isinstance(collate, str):
        module = attribute(attribute(attribute(rewriter.root("torch"), "utils"), "data"), collate)
        value = call(rewriter.root("partial"), [value, argument(module, "collate")])
    elif collate is not None:
        value = call(rewriter.root("partial"), [value, argument(rewriter.expr(collate), "collate")])
    args = []
    placed = False
    for index, arg in enumerate(result.args):
        name = arg.keyword.value if arg.keyword is not None else None
        if name in ("pin_memory", "pin_memory_device"):
            rewriter.tally.dropped += 1
        elif name == "collate_fn" or (name is None and not arg.star and index == _COLLATE_FN):
            args.append(arg.with_changes(value=value))
            placed = True
        elif name is None and not arg.star and index == _PIN_MEMORY:
            args.append(arg.with_changes(value=cst.Name("False")))
        else:
            args.append(arg)
    if args and len(args) < len(result.args) and result.args[-1] is not args[-1]:
        args[-1] = args[-1].with_changes(
            comma=result.args[-1].comma, whitespace_after_arg=result.args[-1].whitespace_after_arg
        )
    result = result.with_changes(args=args)
    return result if placed else with_keyword(result, "collate_fn", value)


_COLLATE_FN, _PIN_MEMORY = 6, 7


def crossed(rewriter: Rewriter, how: str, value: cst.BaseExpression) -> cst.BaseExpression:
    """A value on the other side: an array of a tensor, or a tensor of an array."""
    way = how.partition(" ")[0]
    function = batch_function(rewriter) if way == "in" else _sent(rewriter, how)
    if how.endswith("tree") and rewriter.program.uses_grain:
        return call(function, [value])
    if how.endswith("tree"):
        mapped = attribute(attribute(rewriter.root("jax"), "tree"), "map")
        return call(mapped, [function, value])
    if how == "in nest":
        function = _nest(rewriter)
    made = call(function, [value])
    if how.endswith("None"):
        test = cst.Comparison(value, [cst.ComparisonTarget(cst.Is(), cst.Name("None"))])
        return cst.IfExp(test, cst.Name("None"), made)
    return made


def _sent(rewriter: Rewriter, how: str) -> cst.BaseExpression:
    """What makes arrays of the side of the data: copies, which may be written to."""
    if not rewriter.program.uses_grain:
        return rewriter.helper("to_torch")
    return rewriter.helper("to_numpy") if how.endswith("tree") else attribute(rewriter.root("np"), "array")


def _nest(rewriter: Rewriter) -> cst.BaseExpression:
    return rewriter.helper("batch_to_jax" if rewriter.program.uses_grain else "to_jax")


@dataclass(slots=True)
class Arrivals:
    """Parts of a batch that a training step uses: arrays are made of them in front of it, under names of their own.

    The step then takes what it needs and not the batch, which may hold more than arrays. ``assigned``: names that the
    step itself gives values; what is made of these stays where it is.
    """

    assigned: frozenset[str]
    values: dict[str, cst.BaseExpression] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def named(self, rewriter: Rewriter, node: cst.CSTNode, made: cst.BaseExpression) -> cst.BaseExpression:
        """The name of what is made of a part of a batch."""
        part = _part_name(node)
        read = {inner.value for inner in walk(node) if isinstance(inner, cst.Name)}
        if part is None or read & self.assigned:
            return made
        spelled = cst.Module([]).code_for_node(made)
        if spelled not in self._names:
            name, number = part, 2
            while name in rewriter.taken:
                name, number = f"{part}_{number}", number + 1
            rewriter.taken.add(name)
            self._names[spelled] = name
            self.values[name] = made
        return cst.Name(self._names[spelled])

    def lines(self) -> list[cst.SimpleStatementLine]:
        """The assignments in front of the step."""
        return _assignments([cst.Name(name) for name in self.values], list(self.values.values()))


def _part_name(node: cst.CSTNode) -> str | None:
    """What to call a part of a batch: ``image`` for ``batch["image"]``, ``batch_0`` for ``batch[0]``."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    if not isinstance(node, cst.Subscript) or len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
        return None
    index = node.slice[0].slice.value
    if isinstance(index, cst.SimpleString):
        key = str(index.evaluated_value)
        return key if key.isidentifier() and not keyword.iskeyword(key) else None
    if isinstance(index, cst.Integer) and isinstance(node.value, cst.Name):
        return f"{node.value.value}_{index.value}"
    return None


def received_lines(rewriter: Rewriter, nodes: Iterable[cst.CSTNode]) -> list[cst.SimpleStatementLine]:
    """``x, y = jnp.asarray(x), jnp.asarray(y)`` for the targets below that have got tensors of the data side."""
    received = rewriter.facts.received
    if not received:
        return []
    places: list[Any] = []
    for node in nodes:
        found = [part for part in walk(node) if part in received]
        rewriter.placed.update(found)
        places += [(part.name if isinstance(part, cst.Param) else part, received[part]) for part in found]
    if not places:
        return []
    values = [_received(rewriter, how, place) for place, how in places]
    return _assignments([place for place, _ in places], values)


def _assignments(places: list[Any], values: list[Any]) -> list[cst.SimpleStatementLine]:
    """Some places get values: in one line, unless they are many."""
    if not places:
        return []
    if len(places) == 1:
        return [statement(assignment(places[0], values[0]))]
    if len(places) > _IN_A_LINE:
        return [statement(assignment(place, value)) for place, value in zip(places, values, strict=True)]
    return [statement(assignment(_tuple(places), _tuple(values)))]


_IN_A_LINE = 3


def _received(rewriter: Rewriter, how: str, place: cst.BaseExpression) -> cst.Call:
    return call(_nest(rewriter) if how == "nest" else batch_function(rewriter), [place])


def _tuple(parts: list[Any]) -> cst.Tuple:
    return cst.Tuple([cst.Element(part) for part in parts], lpar=[], rpar=[])


def kept_ids(rewriter: Rewriter) -> set[int]:
    """The nodes that stay PyTorch on purpose, by identity."""
    return {id(part) for root in rewriter.kept for part in walk(root)}
