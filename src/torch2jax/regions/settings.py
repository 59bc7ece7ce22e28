"""Objects that a step is given besides arrays and modules: settings, which compiled code takes as constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import libcst as cst

from torch2jax.infer import kinds as k
from torch2jax.infer.kinds import Kind, is_module, options, without_none
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.regions.callees import callees
from torch2jax.regions.paths import Access, access_of, path_of, shown
from torch2jax.source.nodes import dotted_name, walk

_CONSTANT = k.Number | k.Str | k.NoneKind | k.Free | k.Unknown | k.Function | k.Api | k.ClassRef | k.Device | k.Dtype
_LOSSES = ("torch.nn.functional.", "torch.nn.modules.loss.")


def settings_in(
    program: Program, fn: FunctionInfo, seen: Mapping[str, Kind | None], nodes: Iterable[cst.CSTNode]
) -> frozenset[str]:
    """The places of objects and dictionaries that hold constants only, as far as anyone knows.

    Args:
        program: all code.
        fn: the function with the step.
        seen: the places that are read, and what they are.
        nodes: the code of the step, which may pass an object on to functions that read its attributes.
    """
    nodes = list(nodes)
    found = {path for path, kind in seen.items() if kind is not None and _holds_constants(program, kind)}
    unknown = {path for path, kind in seen.items() if kind is not None and _is_unknown(kind)}
    holders = {path.rpartition(".")[0] for path in unknown if "." in path}
    found |= unknown & holders
    return frozenset(found | {path for path in unknown - found if _is_read_in_parts(fn, path, nodes, {fn})})


def arrays_in(
    fn: FunctionInfo, seen: Mapping[str, Kind | None], nodes: Iterable[cst.CSTNode], models: Iterable[str]
) -> frozenset[str]:
    """The places of unknown kind that modules and losses are given, and those that arrays are indexed with.

    ``models``: modules, whatever else is known of them.
    """
    modules = set(models)
    unknown = {path for path, kind in seen.items() if kind is not None and _is_unknown(kind)}
    found: set[str] = set()
    for root in nodes:
        for node in walk(root):
            for used in _used_as_arrays(fn, node, modules):
                place = path_of(used, fn.facts.kinds.get)
                found |= {place[0]} if place is not None else set()
    return frozenset(found & unknown)


def unfit(seen: Mapping[str, Kind | None], access: Access, settings: Iterable[str]) -> str:
    """Why what a step reads can't be an argument of compiled code, in a few words; empty if nothing is known of it."""
    for path in access.reads:
        kind = seen.get(path)
        found = list(options(without_none(kind))) if kind is not None else []
        if path not in settings and any(isinstance(o, k.Instance) and _is_plain(o.cls) for o in found):
            return f"`{shown(path)}` holds arrays and is no module"
    return ""


def _used_as_arrays(fn: FunctionInfo, node: cst.CSTNode, modules: set[str]) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Subscript):
        yield from (each.slice.value for each in node.slice if isinstance(each.slice, cst.Index))
        kind = fn.facts.kinds.get(node)
        yield from [node.value] if any(isinstance(o, k.Tensor) for o in options(kind or k.UNKNOWN)) else []
    if isinstance(node, cst.Call):
        kind = fn.facts.kinds.get(node.func)
        is_loss = isinstance(kind, k.Api) and kind.name.startswith(_LOSSES)
        is_model = dotted_name(node.func) in modules
        if is_loss or is_model or (kind is not None and is_module(without_none(kind))):
            yield from (arg.value for arg in node.args if arg.keyword is None and not arg.star)


def _is_unknown(kind: Kind) -> bool:
    return all(isinstance(option, k.Free) and not isinstance(option, k.Numpy) for option in options(without_none(kind)))


def _holds_constants(program: Program, kind: Kind) -> bool:
    """Whether it is a plain object, or a dictionary with other things than numbers, and holds no array or module."""
    found = list(options(without_none(kind)))
    if all(isinstance(option, k.Instance) and _is_plain(option.cls) for option in found):
        return all(_is_constant(program, each, set()) for each in found)
    if not all(isinstance(option, k.Mapping) for option in found) or not _is_constant(program, kind, set()):
        return False
    held = [each for option in found for each in options(program.heap[cast("k.Mapping", option).site].kind)]
    return any(isinstance(each, k.Str | k.NoneKind) for each in held)


def _is_plain(cls: ClassInfo) -> bool:
    """Whether it is a class of the project alone: jit knows nothing of its objects."""
    return not cls.is_module and not cls.is_host and all(isinstance(base, k.ClassRef) for base in cls.bases)


def _is_constant(program: Program, kind: Kind, seen: set[Any]) -> bool:
    for option in options(kind):
        match option:
            case k.Tuple(items=items):
                inner: list[Kind] = list(items)
            case k.Sequence(site=site) | k.Mapping(site=site):
                inner = [program.heap[site].kind] if site not in seen else []
                seen.add(site)
            case k.Instance(cls=cls) if _is_plain(cls):
                inner = [cell.kind for each in cls.mro() for cell in each.attrs.values()] if cls not in seen else []
                seen.add(cls)
            case _ if isinstance(option, _CONSTANT):
                inner = []
            case _:
                return False
        if not all(_is_constant(program, each, seen) for each in inner):
            return False
    return True


def _is_read_in_parts(fn: FunctionInfo, path: str, nodes: Iterable[cst.CSTNode], seen: set[FunctionInfo]) -> bool:
    """Whether a function that is given what is in a place looks at its attributes, or gives it to one that does."""
    for root in nodes:
        for node in walk(root):
            if not isinstance(node, cst.Call):
                continue
            for callee in callees(fn.facts, node):
                for name in _parameters_given(fn, callee, node, path) if callee not in seen else ():
                    body = cast("cst.CSTNode", callee.node.body)
                    reads = access_of(body, callee.facts.kinds.get).reads
                    if any(read.startswith(f"{name}.") for read in reads):
                        return True
                    if _is_read_in_parts(callee, name, [body], {*seen, callee}):
                        return True
    return False


def _parameters_given(fn: FunctionInfo, callee: FunctionInfo, node: cst.Call, path: str) -> Iterator[str]:
    """The parameters that get what is in a place."""
    params = callee.parameters()
    if params is None:
        return
    names = [param.name.value for param in (*params.posonly_params, *params.params)][1 if callee.is_method else 0 :]
    for index, arg in enumerate(node.args):
        place = path_of(arg.value, fn.facts.kinds.get)
        if place is None or place[1] is not arg.value or place[0] != path or arg.star:
            continue
        if arg.keyword is not None:
            yield arg.keyword.value
        elif index < len(names):
            yield names[index]
