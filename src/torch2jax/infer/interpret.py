"""The driver: interprets every function of the project until nothing changes any more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Files
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer import (
    assignments,
    attributes,
    building,
    calls,
    derivatives,
    einops_calls,
    expressions,
    loops,
    operators,
    statements,
    states,
)
from torch2jax.infer.apis import TORCH
from torch2jax.infer.consistency import report_clashes
from torch2jax.infer.crossings import received_parameter
from torch2jax.infer.definitions import parameter_kind
from torch2jax.infer.effects import settle
from torch2jax.infer.frame import Frame, Value
from torch2jax.infer.host import forget_writes
from torch2jax.infer.host_values import made_for_data
from torch2jax.infer.kinds import (
    FREE,
    NONE,
    Iterator_,
    Kind,
    Mapping,
    NoneKind,
    Tensor,
    Tuple,
    options,
    union,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout, channel_last
from torch2jax.infer.module_flow import grant_pins
from torch2jax.infer.outside import call_from_outside, note_layers
from torch2jax.infer.program import FileInfo, FunctionInfo, Program
from torch2jax.infer.seeds import settle_seeds
from torch2jax.infer.storage import storage_of
from torch2jax.rules.aliases import canonical
from torch2jax.source.scope import Binding, Scope

if TYPE_CHECKING:
    from torch2jax.options import Options
    from torch2jax.rules.cache import RuleBook

_MAX_EVALUATIONS = 40

# importing them registers what they handle
_HANDLERS = (
    assignments,
    attributes,
    building,
    calls,
    derivatives,
    einops_calls,
    expressions,
    loops,
    operators,
    statements,
    states,
)


def is_interpreted(name: str) -> bool:
    """Whether the interpreter itself knows a function or class of torch."""
    return name in TORCH or canonical(name) in TORCH


def interpreted(book: RuleBook, options: Options, files: Files[str, FileInfo], bindings: dict[str, Binding]) -> Program:
    """The program of some files, interpreted.

    Where code turns out to belong to data loading, or a state to be looked into, it starts again: what was thought of
    that before has left its marks.
    """
    hosted: set[Any] = set()
    named: dict[Any, set[Any]] = {}
    while True:
        program = Program(book, options, hosted=set(hosted), named_states=dict(named))
        for path, file in files.items():
            fresh = FileInfo(
                file.path,
                file.module,
                file.tree,
                file.is_package,
                source=file.source,
                written=file.written,
                origins=file.origins,
            )
            fresh.import_names = file.import_names
            program.files[path] = fresh
        interpret(program, bindings)
        found = program.hosted | made_for_data(program)
        if found <= hosted and program.entries.keys() <= named.keys():
            return program
        hosted |= found
        named |= program.entries


def interpret(program: Program, bindings: dict[str, Binding]) -> None:
    """Fill the facts of every function of ``program``."""
    program.bindings = dict(bindings)
    for file in program.files.values():
        file.main = FunctionInfo("<module>", file.tree, file)
        program.functions[file.tree] = file.main
    mains = [file.main for file in _import_order(program.files.values()) if file.main is not None]
    program.explore = partial(_explore, program, bindings)
    for _ in range(2):
        for main in mains:
            _run(program, main, bindings)
        program.neutral.clear()  # not all names were known
    for fn in _uncalled(program):
        program.look_into(fn)
    program.explore = None
    everything = set(program.functions.values()) - set(mains)
    program.dirty -= everything
    _until_still(program, everything, bindings)
    for again in range(2):  # layouts chosen while little was known are chosen again
        pinned = {fn for fn in program.functions.values() if fn.pinned} if again == 0 else set()
        unsettled = {fn for fn in program.functions.values() if (fn.forced or fn in pinned) and fn not in mains}
        if not unsettled:
            break
        for fn in unsettled:
            fn.forced.clear()
        for fn in pinned:
            fn.pinned = False
            unsettled |= fn.callers - set(mains)
        if again == 0 and program.pinned_sites:
            unsettled.update(*(program.pin_readers[site] for site in program.pinned_sites))
            unsettled -= set(mains)
            program.pinned_sites.clear()
        _until_still(program, unsettled, bindings)
    _until_still(program, settle_seeds(program), bindings)
    _until_still(program, call_from_outside(program, bindings), bindings)
    call_from_outside(program, bindings)  # what was found is kept with the functions, some of which ran again
    note_layers(program)
    mark_forwards(program)
    report_clashes(program)


_CALLED = re.compile(r"(?<!def )(?<!class )\b(\w+)\(")


def _uncalled(program: Program) -> list[FunctionInfo]:
    """The functions that seem to be called from outside only, such as the entries of a script."""
    called = {name for file in program.files.values() for name in _CALLED.findall(file.source)}
    found = [
        fn
        for fn in program.functions.values()
        if fn.parent is None and not fn.name.startswith("__") and fn.name not in called and not _is_of_module(fn)
    ]
    return sorted(found, key=_order)


def _is_of_module(fn: FunctionInfo) -> bool:
    return fn.owner is not None and fn.owner.is_part_of_modules


def _explore(program: Program, bindings: dict[str, Binding], fn: FunctionInfo) -> None:
    """Interpret a function where a script calls it first, with what it is given there, before its result is used.

    What is thought of a parameter that nothing is known of, such as that `x.to(device)` shows a tensor, would stay.
    """
    if fn.evaluations or isinstance(fn.node, cst.Lambda) or _is_of_module(fn):
        return
    current, hosting = program.current, program.hosting
    _run(program, fn, bindings)
    program.current, program.hosting = current, hosting


def mark_forwards(program: Program) -> None:
    """``forward`` of modules, also where a mixin defines it, is what a call of the object runs."""
    for cls in program.classes.values():
        method = cls.find("forward") if cls.is_module else None
        if method is not None:
            method.is_forward = True
        for each in cls.mro() if cls.is_module else ():
            if "forward" in each.methods:
                each.methods["forward"].is_forward = True


def _until_still(program: Program, pending: set[FunctionInfo], bindings: dict[str, Binding]) -> None:
    """Interpret functions, and those that depend on them, until nothing changes."""
    limits = {fn: fn.evaluations + _MAX_EVALUATIONS for fn in program.functions.values()}
    while pending:
        for fn in sorted(pending, key=_order):
            program.dirty.discard(fn)
            if fn.evaluations < limits.setdefault(fn, fn.evaluations + _MAX_EVALUATIONS):
                _run(program, fn, bindings)
        if not program.dirty:
            grant_pins(program)
        pending = {fn for fn in program.dirty if fn.evaluations < limits.setdefault(fn, _MAX_EVALUATIONS)}
        program.dirty.clear()


def _order(fn: FunctionInfo) -> tuple[int, int]:
    return (0 if fn.name == "__init__" else 1, fn.number)


def _import_order(files: Iterable[FileInfo]) -> list[FileInfo]:
    """Packages' ``__init__`` last, so that what they import is known."""
    return sorted(files, key=lambda file: (file.is_package, -file.module.count("."), file.path))


def _run(program: Program, fn: FunctionInfo, bindings: dict[str, Binding]) -> None:
    scope = bindings[fn.file.path].scope_of[fn.node]
    frame = Frame(program, fn, scope)
    fn.interface = program.options.interface
    program.pin_requests.pop(fn, None)
    program.adoptions.pop(fn, None)
    fn.evaluations += 1
    fn.facts = frame.facts
    program.current = fn
    program.hosting = fn.is_host
    if isinstance(fn.node, cst.Module):
        frame.execute(fn.node.body)
        _choose_layouts(frame, scope)
        return
    _enter(frame, scope)
    if program.touches_host and fn.mutates:
        forget_writes(frame)
    if isinstance(fn.node, cst.Lambda):
        frame.returns.append((fn.node.body, frame.eval(fn.node.body)))
        frame.gives |= storage_of(frame, fn.node.body)
    else:
        for decorator in fn.node.decorators:
            del decorator
        frame.execute((fn.node.body,))
        if frame.alive:
            frame.returns.append((fn.node, NONE))
            frame.exits.append((None, dict(frame.env)))
    if frame.yields:
        fn.result.write(Iterator_(union(frame.yields)), program)
    else:
        _leave(frame)
    if program.hosting:
        return
    settle(frame)
    _choose_layouts(frame, scope)


def _enter(frame: Frame, scope: Scope) -> None:
    """Bind the parameters."""
    fn = frame.fn
    params = fn.parameters()
    assert params is not None
    if fn.adopted is not None and len(params.params) > 1 and _may_choose(fn):
        name = params.params[1].name.value
        if fn.param_layouts.get(name) != fn.adopted:
            fn.param_layouts[name] = fn.adopted
            frame.program.dirty.update(fn.callers)
    for index, param in enumerate((*params.posonly_params, *params.params, *params.kwonly_params)):
        name = param.name.value
        kind = parameter_kind(fn, index, param, fn.params[name].read(fn))
        kind = received_parameter(frame, param, kind)
        layout = fn.param_layouts.get(name)
        plain = without_none(kind)
        if isinstance(plain, Tensor) and plain.layout != MIXED and (layout is not None or plain.layout is not None):
            laid = replace(plain, layout=layout, rank=plain.rank or (len(layout) if layout else None))
            kind = laid if kind is plain else union(laid if isinstance(o, Tensor) else o for o in options(kind))
        frame.bind(name, kind, param, storage=frozenset((("parameter", name),)))
        frame.env[name] = replace(frame.env[name], original=True, storage=frozenset((("parameter", name),)))
    if isinstance(params.star_arg, cst.Param):
        kind = fn.params[params.star_arg.name.value].read(fn)
        frame.env[params.star_arg.name.value] = Value(
            kind if kind is not FREE else Iterator_(FREE),
            storage=frozenset((("parameter", params.star_arg.name.value),)),
        )
    if params.star_kwarg is not None:
        known = fn.called and "**" not in fn.extra_keywords
        keys = tuple(sorted(fn.extra_keywords)) if known else None
        frame.env[params.star_kwarg.name.value] = Value(Mapping((fn, "**"), keys))


def _leave(frame: Frame) -> None:
    """Unite what the function returns, in the layout that was chosen for its result."""
    fn = frame.fn
    natural = {_layouts_of(kind) for _, kind in frame.returns if not isinstance(kind, NoneKind)} - {MIXED}
    wanted: Any = None
    if len(natural) == 1 and _may_choose(fn):
        wanted = natural.pop()
    if fn.adopted is not None and _may_choose(fn) and all(_has_rank(k, len(fn.adopted)) for _, k in frame.returns):
        wanted = fn.adopted
    fn.result_layout = wanted
    kinds = [_returned(frame, node, kind, wanted) for node, kind in frame.returns]
    result = union(kinds)
    if _stripped(result) != _stripped(fn.result.kind) or result != fn.result.kind:
        if _layouts_of(fn.result.kind) not in (_layouts_of(result), None) or _layouts_of(result) is not None:
            fn.result.kind = FREE if _layouts_of(fn.result.kind) != _layouts_of(result) else fn.result.kind
            frame.program.dirty.update(fn.result.readers)
        fn.result.write(result, frame.program)


def _has_rank(kind: Kind, rank: int) -> bool:
    return isinstance(kind, Tensor) and kind.rank in (None, rank)


def _stripped(kind: Kind) -> Kind:
    return replace(kind, layout=None) if isinstance(kind, Tensor) else kind


def _may_choose(fn: FunctionInfo) -> bool:
    """Whether the function may take and give channel-last data: it is the project's own affair."""
    if fn.pinned or fn.is_host:
        return False
    if isinstance(fn.node, cst.Lambda):
        return False
    owner = fn.outermost.owner
    if fn.parent is not None:
        return False
    if fn.interface == "nhwc" and owner is not None and owner.is_module:
        return not fn.name.startswith("__")
    if owner is None:
        return fn.name.startswith("_") and fn.called
    if not owner.is_module:
        return False
    # what a user of the class may call as well keeps PyTorch's order (docs/decisions/public-methods.md)
    return owner.is_internal or (fn.name.startswith("_") and not fn.name.startswith("__") and fn.called)


def _layouts_of(kind: Kind) -> Any:
    """The layouts in a result: a layout, a tuple of them, or None."""
    plain = without_none(kind)
    if isinstance(plain, Tensor):
        return plain.layout
    if isinstance(plain, Tuple):
        inner = tuple(_layouts_of(item) for item in plain.items)
        return ("tuple", *inner) if any(layout is not None for layout in inner) else None
    return None


def _returned(frame: Frame, node: cst.CSTNode, kind: Kind, wanted: Any) -> Kind:
    from torch2jax.infer.arguments import take

    plain = without_none(kind)
    if isinstance(plain, Tuple) and isinstance(wanted, tuple) and wanted and wanted[0] == "tuple":
        if isinstance(node, cst.Tuple) and len(node.elements) == len(plain.items):
            items = tuple(
                frame.use(e.value, item, layout) if not isinstance(layout, tuple) or layout[:1] != ("tuple",) else item
                for e, item, layout in zip(node.elements, plain.items, wanted[1:], strict=True)
            )
            return Tuple(items, plain.fields)
        return plain
    if isinstance(plain, Tensor) and plain.variable and _gives_variable(frame, node):
        return kind
    if isinstance(plain, Tensor) and plain.layout == MIXED:
        return frame.read(node, kind)
    if isinstance(plain, Tensor):
        return frame.use(node, kind, wanted if not (isinstance(wanted, tuple) and wanted[:1] == ("tuple",)) else None)
    if isinstance(plain, Tuple):
        return take(frame, node, plain)
    return take(frame, node, kind)


def _gives_variable(frame: Frame, node: cst.CSTNode) -> bool:
    """Whether a function makes a parameter for its caller: what is returned is the Variable, not its value."""
    is_own = frame.fn.owner is None or frame.fn.name.startswith("_") or frame.fn.builds
    return is_own and isinstance(node, cst.Call | cst.Name) and node not in frame.facts.relayouts


def _choose_layouts(frame: Frame, scope: Scope) -> None:
    """From how values were used, choose layouts for definitions and for the parameters of internal functions."""
    fn = frame.fn
    facts = frame.facts
    parameters = _parameter_nodes(fn)
    for definition, name in parameters.items():
        _take_offer(frame, definition, name)
    for definition, votes in facts.votes.items():
        if definition in fn.forced or definition in facts.inline or definition not in facts.natural:
            continue
        if isinstance(fn.node, cst.Lambda):
            continue  # a lambda has no place for a statement
        natural, rank = facts.natural[definition]
        if rank is None and definition in facts.shared and definition not in parameters:
            continue  # the layer that says how many axes it takes may never see this one
        wanted, count = _favourite(votes)
        logical = votes.get(None, 0)
        if definition in parameters:
            _choose_parameter(frame, definition, parameters[definition], natural, wanted, count, logical)
        elif natural is None and wanted is not None and count > logical:
            if count > 1 or logical == 0:
                _set(frame, definition, wanted)
        elif natural is not None and wanted is None and logical > 1 and natural not in votes:
            _set(frame, definition, None)
    del scope


def _take_offer(frame: Frame, definition: Any, name: str) -> None:
    """A parameter that no use wants in torch's order takes the layout that every caller has."""
    fn = frame.fn
    offered = fn.offered.get(name)
    if not offered or len(offered) != 1 or name in fn.param_layouts or not _may_choose(fn):
        return
    layout = next(iter(offered))
    natural, _ = frame.facts.natural.get(definition, (None, None))
    votes = frame.facts.votes.get(definition, {})
    if layout is None or layout != channel_last(len(layout)) or natural is not None or None in votes:
        return
    fn.param_layouts[name] = layout
    frame.program.dirty.update({fn, *fn.callers})


def _favourite(votes: dict[Layout, int]) -> tuple[Layout, int]:
    images = {layout: count for layout, count in votes.items() if layout is not None}
    if not images:
        return None, 0
    layout = max(images, key=lambda key: images[key])
    return layout, images[layout]


def _set(frame: Frame, definition: Any, layout: Layout) -> None:
    frame.fn.forced[definition] = layout
    frame.program.dirty.add(frame.fn)


def _choose_parameter(
    frame: Frame, definition: Any, name: str, natural: Layout, wanted: Layout, count: int, logical: int
) -> None:
    fn = frame.fn
    if natural is not None or wanted is None or count <= logical or wanted != channel_last(len(wanted)):
        return
    if _may_choose(fn) and name not in fn.param_layouts and not (fn.is_method and name == "self"):
        fn.param_layouts[name] = wanted
        frame.program.dirty.update({fn, *fn.callers})
        return
    if not _may_choose(fn):
        _set(frame, definition, wanted)


def _parameter_nodes(fn: FunctionInfo) -> dict[cst.CSTNode, str]:
    params = fn.parameters()
    if params is None:
        return {}
    return {p: p.name.value for p in (*params.posonly_params, *params.params, *params.kwonly_params)}
