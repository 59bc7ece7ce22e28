"""Which module an optimizer trains, as it is spelled where the step stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Free, Kind, Optimizer, Source, Tensor, is_module, options, without_none
from torch2jax.infer.optimizers import sources_of
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.regions.callees import receiver_of
from torch2jax.regions.paths import path_of
from torch2jax.regions.region import NoRegionError, Structure, Trained
from torch2jax.source.nodes import dotted_name, walk
from torch2jax.source.scope import Scope, resolve

_HINT = "build the optimizer from `model.parameters()` where the model has the name that the loop uses"


def trained_by(
    program: Program, fn: FunctionInfo, scope: Scope, optimizer: cst.BaseExpression, seen: Mapping[str, Kind | None]
) -> Trained:
    """The optimizer and its module. ``seen``: the places that the step reads, and what they are."""
    name = dotted_name(optimizer)
    found = list(options(without_none(fn.facts.kinds[optimizer])))
    sources = sources_of(fn.facts.kinds[optimizer])
    kind = found[0]
    alike = {tuple(len(group) for group in each.groups) for each in found if isinstance(each, Optimizer)}
    if name is None or not isinstance(kind, Optimizer) or not sources or len(alike) != 1:
        raise NoRegionError("it is not known whose parameters this optimizer holds", optimizer, _HINT)
    roots: list[str] = []
    groups = [tuple(_leaf(program, fn, scope, kind, source, roots) for source in group) for group in kind.groups]
    leaves = [leaf for group in groups for leaf in group]
    if None not in leaves and not _has_another_name(program, fn, kind, sources[0], leaves, seen):
        shape = [tuple(leaf for leaf in group if leaf is not None) for group in groups]
        nested: list[Structure] = [group[0] if len(group) == 1 else group for group in shape]
        whole = nested[0] if len(nested) == 1 else tuple(nested)
        structure = (whole,) if _is_one_tensor(sources) else whole
        return Trained(name, structure, tuple(roots), kind.picked == 1 or set(leaves) != set(roots))
    if len(sources) > 1:
        several = _all_passed(program, fn, name, kind) if "." not in name else _kept(program, fn, name, kind)
        if several is None:
            raise NoRegionError("the modules that this optimizer trains have other names here", optimizer, _HINT)
        return several
    source = sources[0]
    spelled = dotted_name(source.node)
    if spelled is not None and "." not in name:
        passed = _passed(program, fn, name, spelled, kind)
        if passed is not None:
            structure = (passed,) if _is_one_tensor(sources) else passed
            return Trained(name, structure, (passed,), kind.picked == 1)
    if not is_module(source.kind):
        raise NoRegionError("it is not known what module this optimizer trains", optimizer, _HINT)
    fitting = _fitting(source, seen)
    if len(fitting) != 1 and (kept := _kept(program, fn, name, kind)) is not None:
        return kept
    if len(fitting) != 1:
        raise NoRegionError(_which(source, fitting), optimizer, _HINT)
    return Trained(name, fitting[0], (fitting[0],), kind.picked == 1)


def _all_passed(program: Program, fn: FunctionInfo, name: str, kind: Optimizer) -> Trained | None:
    """An optimizer of several modules that every call passes on together with them."""
    spelled = [[dotted_name(source.node) for source in group] for group in kind.groups]
    passed = [[_passed(program, fn, name, s, kind) if s is not None else None for s in group] for group in spelled]
    groups = [tuple(leaf for leaf in group if leaf is not None) for group in passed]
    leaves = [leaf for group in groups for leaf in group]
    whole = all(is_module(source.kind) for group in kind.groups for source in group)
    if not whole or len(leaves) != sum(map(len, kind.groups)) or len(set(leaves)) != len(leaves):
        return None
    nested: list[Structure] = [group[0] if len(group) == 1 else group for group in groups]
    return Trained(name, nested[0] if len(nested) == 1 else tuple(nested), tuple(leaves), kind.picked == 1)


def _kept(program: Program, fn: FunctionInfo, name: str, kind: Optimizer) -> Trained | None:
    """An optimizer and modules that every call of a constructor passes on, and that the object keeps as attributes."""
    receiver, _, own = name.partition(".")
    init = fn.owner.find("__init__") if fn.owner is not None and receiver == receiver_of(fn) else None
    kept = _attributes_of(fn.owner, init) if fn.owner is not None and init is not None else {}
    given = next((param for param, attribute in kept.items() if attribute == own), None)
    passed = _all_passed(program, init, given, kind) if init is not None and given is not None else None
    if passed is None or not all(model in kept for model in passed.models):
        return None
    places = {model: f"{receiver}.{kept[model]}" for model in passed.models}
    models = tuple(places[model] for model in passed.models)
    return Trained(name, _renamed(passed.structure, places), models, passed.is_part)


def _renamed(structure: Structure, places: Mapping[str, str]) -> Structure:
    return places[structure] if isinstance(structure, str) else tuple(_renamed(part, places) for part in structure)


def _attributes_of(owner: ClassInfo, init: FunctionInfo) -> dict[str, str]:
    """The attributes that a constructor gives its parameters to, and that nothing else sets."""
    found: dict[str, str] = {}
    set_elsewhere: set[str] = set()
    for cls in (*owner.mro(), *owner.descendants()):
        for method in cls.methods.values():
            for node in walk(method.node):
                attribute = _own_attribute(method, node)
                if attribute is None:
                    continue
                assert isinstance(node, cst.Assign)
                param = _placed(node.value)
                if method is init and param in init.params and param not in found and attribute not in found.values():
                    found[param] = attribute
                else:
                    set_elsewhere.add(attribute)
    return {param: attribute for param, attribute in found.items() if attribute not in set_elsewhere}


def _own_attribute(fn: FunctionInfo, node: cst.CSTNode) -> str | None:
    """The ``x`` of ``self.x = ...``."""
    target = node.targets[0].target if isinstance(node, cst.Assign) and len(node.targets) == 1 else None
    is_own = isinstance(target, cst.Attribute) and dotted_name(target.value) == receiver_of(fn)
    return target.attr.value if is_own and isinstance(target, cst.Attribute) else None


def _placed(node: cst.BaseExpression) -> str:
    """The name in ``model`` or ``model.to(device)``."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=cst.Name("to" | "cuda" | "cpu"))):
            return name
    return ""


def _fitting(source: Source, seen: Mapping[str, Kind | None]) -> list[str]:
    """The places that the step reads with a module of the class that the optimizer holds."""
    return [path for path, there in seen.items() if there is not None and without_none(there) == source.kind]


def _has_another_name(
    program: Program,
    fn: FunctionInfo,
    kind: Optimizer,
    source: Source,
    leaves: Iterable[str | None],
    seen: Mapping[str, Kind | None],
) -> bool:
    """Whether a model of the file goes by another name here: what a Trainer was given is ``self.model``."""
    if builder_of(program, kind) is fn or not is_module(source.kind) or len(_fitting(source, seen)) != 1:
        return False
    (spelled, *others) = leaves
    return not others and not any(path == spelled or path.startswith(f"{spelled}.") for path in seen)


def _is_one_tensor(sources: Sequence[Source]) -> bool:
    """Whether an optimizer is built for one array, which it holds in a tuple."""
    return len(sources) == 1 and isinstance(sources[0].kind, Tensor)


def _passed(program: Program, fn: FunctionInfo, optimizer: str, model: str, kind: Optimizer) -> str | None:
    """The parameter that gets the model at every call where another gets the optimizer that was built for it."""
    found: set[str | None] = set()
    for caller, node, given in calls_of(fn):
        if given.get(optimizer) == "None" or not _gets(fn, node, optimizer):
            continue  # nothing is trained there
        built_there = builder_of(program, kind) is caller and optimizer in given
        found.add(next((p for p, value in given.items() if value == model), None) if built_there else None)
    return found.pop() if len(found) == 1 else None


def calls_of(fn: FunctionInfo) -> Iterator[tuple[FunctionInfo, cst.Call, dict[str, str]]]:
    """The calls of a function: by whom, the call, and what it gives to the parameters, as it is spelled there."""
    for caller in fn.callers:
        for node, fact in caller.facts.calls.items():
            if fn in getattr(fact, "targets", ()) and isinstance(node, cst.Call):
                yield caller, node, _given(fn, node)


def _gets(fn: FunctionInfo, node: cst.Call, name: str) -> bool:
    """Whether a call gives something to a parameter."""
    names = _positional(fn)
    if any(arg.star or (arg.keyword is not None and arg.keyword.value == name) for arg in node.args):
        return True
    return name in names and names.index(name) < len([arg for arg in node.args if arg.keyword is None])


def _positional(fn: FunctionInfo) -> list[str]:
    params = fn.parameters()
    assert params is not None
    return [param.name.value for param in (*params.posonly_params, *params.params)][1 if fn.is_method else 0 :]


def _given(fn: FunctionInfo, node: cst.Call) -> dict[str, str]:
    """What a call gives to the parameters of a function, as it is spelled there."""
    names = _positional(fn)
    given: dict[str, str] = {}
    for index, arg in enumerate(node.args):
        spelled = dotted_name(arg.value)
        if arg.star or spelled is None:
            continue
        if arg.keyword is not None:
            given[arg.keyword.value] = spelled
        elif index < len(names):
            given[names[index]] = spelled
    return given


def _leaf(
    program: Program, fn: FunctionInfo, scope: Scope, kind: Optimizer, source: Source, roots: list[str]
) -> str | None:
    """A module, or a part of one, where it has the same name here; None if it has not. Adds the whole to ``roots``."""
    spelled = _unwrapped(program, kind, source.node)
    if spelled is None or not _same_place(program, fn, scope, kind, spelled):
        return None
    found = path_of(source.node, lambda node: _kind(program, kind, node))
    assert found is not None
    if found[0] not in roots:
        roots.append(found[0])
    return spelled


def _unwrapped(program: Program, kind: Optimizer, node: cst.BaseExpression) -> str | None:
    """How a module is spelled, without what `DataParallel` puts around one."""
    builder, parts = builder_of(program, kind), []
    while isinstance(node, cst.Attribute):
        if builder is None or builder.facts.special.get(node) != ("unwrapped",):
            parts.append(node.attr.value)
        node = node.value
    return ".".join([node.value, *reversed(parts)]) if isinstance(node, cst.Name) else None


def _which(source: Source, fitting: Iterable[str]) -> str:
    names = ", ".join(f"`{path}`" for path in fitting)
    what = cst.Module([]).code_for_node(source.node)
    return f"which module is the one whose parameters came from `{what}` is not clear here ({names or 'none fits'})"


def _same_place(program: Program, fn: FunctionInfo, scope: Scope, kind: Optimizer, spelled: str) -> bool:
    """Whether a name of the module means the same where the optimizer is built and here."""
    builder = builder_of(program, kind)
    if builder is None:
        return False
    if builder is fn:
        return True
    head = spelled.partition(".")[0]
    if "." in spelled and builder.owner is not None and builder.owner is fn.owner:
        params = (builder.parameters(), fn.parameters())
        return all(p is not None and p.params and p.params[0].name.value == head for p in params)
    return isinstance(builder.node, cst.Module) and builder.file is fn.file and _is_of_file(scope, head)


def _is_of_file(scope: Scope, name: str) -> bool:
    found = resolve(scope, name)
    return found is not None and found.parent is None


def builder_of(program: Program, kind: Optimizer) -> FunctionInfo | None:
    """The function that builds an optimizer."""
    for file in program.files.values():
        for fn in (*file.functions, file.main):
            if fn is not None and kind.site in fn.facts.calls:
                return fn
    return None


def _kind(program: Program, kind: Optimizer, node: cst.CSTNode) -> Any:
    builder = builder_of(program, kind)
    found = builder.facts.kinds.get(node) if builder is not None else None
    return None if isinstance(found, Free) else found  # a module, whatever it is
