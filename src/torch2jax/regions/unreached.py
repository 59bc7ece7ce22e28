"""Parameters that an optimizer holds and a loss does not reach.

PyTorch has no gradient for them and its optimizers pass over them. In JAX their gradients are zero: weight decay and
momentum go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import libcst as cst

from torch2jax.infer.facts import Finding, OptimizerCall
from torch2jax.infer.kinds import Api, Container, Instance, Kind, Layer, Optimizer, Tensor, options, without_none
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.regions.build import DETACHED, NO_GRAD
from torch2jax.regions.callees import receiver_of
from torch2jax.regions.paths import access_of, overlap
from torch2jax.regions.region import Region, Trained
from torch2jax.regions.slicing import exits
from torch2jax.regions.trained import builder_of
from torch2jax.rules import expr as ex
from torch2jax.source.nodes import children, walk

_EVERYTHING = frozenset(
    "children named_children modules named_modules _modules parameters named_parameters _parameters getattr".split()
)
_ON_THE_HOST = ("random.", "numpy.random.", "torch.rand", "torch.bernoulli")


@dataclass(slots=True)
class _Use:
    """One region of an optimizer."""

    fn: FunctionInfo
    region: Region
    trained: Trained
    kind: Optimizer


Read: TypeAlias = "tuple[ClassInfo | str | None, str]"
"""A name that is looked at: of ``self`` with the class of the method, of another object with None, alone with ""."""


@dataclass(slots=True)
class Reads:
    """What code may look at (``ever``), and what it looks at in every run (``always``)."""

    ever: set[Read] = field(default_factory=set)
    always: set[Read] = field(default_factory=set)


def check_unreached(program: Program, found: Sequence[tuple[FunctionInfo, Region]]) -> None:
    """Report optimizers that would go on changing parameters which a loss of theirs leaves out."""
    by_site: dict[Any, list[_Use]] = {}
    for fn, region in found:
        for trained in region.trained:
            for use in _uses(program, fn, region, trained):
                by_site.setdefault(use.kind.site, []).append(use)
    for uses in by_site.values():
        _check(program, uses)
    asking: dict[FunctionInfo, list[Region]] = {}
    for fn, region in found:
        if region.asks:
            asking.setdefault(fn, []).append(region)
    for fn, regions in asking.items():
        _check_asked(program, fn, regions)


def _uses(program: Program, fn: FunctionInfo, region: Region, trained: Trained) -> Iterator[_Use]:
    for node in walk(fn.node):
        kind = fn.facts.kinds.get(node) if isinstance(node, cst.Name | cst.Attribute) else None
        found = list(options(without_none(kind))) if kind is not None else []
        if found and isinstance(found[0], Optimizer) and _spelled(node) == trained.optimizer and found[0].groups:
            yield _Use(fn, region, trained, found[0])
            return


def _check(program: Program, uses: Sequence[_Use]) -> None:
    kind, name = uses[0].kind, uses[0].trained.optimizer
    builder = builder_of(program, kind)
    fact = builder.facts.calls.get(kind.site) if builder is not None else None
    if builder is None or not isinstance(fact, OptimizerCall):
        return
    decays = any(_has(call, "weight_decay") for call in fact.transforms)
    remembers = not kind.name.endswith(".SGD") or any(_has(call, "momentum") for call in fact.transforms)
    if not (decays or remembers):
        return
    reads = [_reads(program, use.fn, use.region) for use in uses]
    ever = set().union(*(each.ever for each in reads))
    always = set.intersection(*(each.always for each in reads))
    frozen = _frozen(program)
    held = list(dict.fromkeys(n for source in kind.sources for n in _held(program, source.kind, ever)))
    left_out = [n for n in held if not _is_read(n, ever) and n[1] not in frozen]
    sometimes = [n for n in held if n not in left_out and not _is_read(n, always) and n[1] not in frozen]
    findings = builder.facts.findings
    if decays and left_out:
        message = (
            f"the loss does not reach all that `{name}` trains ({_listed(left_out)}): PyTorch leaves such parameters "
            "alone, and weight decay would shrink them here"
        )
        hint = "freeze them with `requires_grad_(False)`, or leave them out of the optimizer"
        findings["T2J108", kind.site, message] = Finding("T2J108", kind.site, message, hint)
    if sometimes:
        what = "weight decay" if decays and not remembers else "momentum" if not decays else "momentum and weight decay"
        message = (
            f"some steps may not reach all that `{name}` trains ({_listed(sometimes)}): PyTorch passes over parameters "
            f"without a gradient, and {what} go{'' if ' and ' in what else 'es'} on here"
        )
        hint = "train them with an optimizer of their own"
        findings["T2J205", kind.site, message] = Finding("T2J205", kind.site, message, hint)


def _check_asked(program: Program, fn: FunctionInfo, regions: Sequence[Region]) -> None:
    """Report parameters without a gradient where the program looks which have one."""
    reads = [_reads(program, fn, region) for region in regions]
    ever = set().union(*(each.ever for each in reads))
    always = set.intersection(*(each.always for each in reads))
    frozen = _frozen(program)
    kinds = {model: region.kinds[model] for region in regions for model in region.models if model in region.kinds}
    held = list(dict.fromkeys(n for kind in kinds.values() for n in _held(program, kind, ever)))
    held = [n for n in held if n[1] not in frozen]
    left_out = [n for n in held if not _is_read(n, ever)]
    sometimes = [n for n in held if n not in left_out and not _is_read(n, always)]
    node = next(iter(regions[0].losses)).body[0]
    hint = "go over the parameters that the loss reaches"
    if left_out:
        message = (
            f"the loss does not reach all parameters that are asked for a gradient ({_listed(left_out)}): PyTorch has "
            "None for them, and they are zero here"
        )
        fn.facts.findings["T2J108", node, message] = Finding("T2J108", node, message, hint)
    if sometimes:
        message = (
            f"some steps may not reach all parameters that are asked for a gradient ({_listed(sometimes)}): PyTorch "
            "has None for them, and they are zero here"
        )
        fn.facts.findings["T2J205", node, message] = Finding("T2J205", node, message, hint)


def _has(call: Any, name: str) -> bool:
    """Whether the transform of a group has a hyperparameter that is not 0."""
    if name not in ex.params_of(call.choice.branch.template):
        return False
    bound = call.bound.args.get(name)
    return bound is None or bound.value != 0


def _listed(names: Sequence[tuple[ClassInfo, str]]) -> str:
    return ", ".join(f"`{cls.name}.{name}`" for cls, name in names)


def _spelled(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


# --- what holds parameters ------------------------------------------------------------------------------------------


def _held(
    program: Program, kind: Kind, ever: set[Read], seen: frozenset[ClassInfo] = frozenset()
) -> Iterator[tuple[ClassInfo, str]]:
    """The attributes of the classes of a module that hold parameters; not of those inside one that is never read."""
    for option in options(without_none(kind)):
        if isinstance(option, Container):
            for item in _items(program, option):
                yield from _held(program, item, ever, seen)
        if not isinstance(option, Instance) or option.cls in seen:
            continue
        for cls in option.cls.mro():
            for name, cell in cls.attrs.items():
                is_buffer = isinstance(without_none(cell.kind), Tensor) and any(
                    name in c.buffers for c in option.cls.mro()
                )
                if not is_buffer and _has_parameters(program, cell.kind, {*seen, option.cls}):
                    yield option.cls, name
                    if _is_read((option.cls, name), ever):
                        yield from _held(program, cell.kind, ever, seen | {option.cls})


def _items(program: Program, container: Container) -> list[Kind]:
    if container.items is not None:
        return list(container.items)
    return [cell.kind for key, cell in program.heap.items() if key == container.site]


def _has_parameters(program: Program, kind: Kind, seen: set[ClassInfo]) -> bool:
    found = list(options(without_none(kind)))
    for option in found:
        match option:
            case Layer():
                if not option.stateless and not _FREE_OF_PARAMETERS & {option.flax.rpartition(".")[2]}:
                    return True
            case Tensor(variable=True):
                return True
            case Container():
                if any(_has_parameters(program, item, seen) for item in _items(program, option)):
                    return True
            case Instance():
                if option.cls not in seen and option.cls.is_module:
                    inner = {*seen, option.cls}
                    cells = (cell for cls in option.cls.mro() for cell in cls.attrs.values())
                    if any(_has_parameters(program, cell.kind, inner) for cell in cells):
                        return True
    return False


_FREE_OF_PARAMETERS = {"Dropout"}


def _is_read(attribute: tuple[ClassInfo, str], reads: set[Read]) -> bool:
    cls, name = attribute
    if (None, name) in reads or (None, _ALL) in reads:
        return True
    return any((each, name) in reads or (each, _ALL) in reads for each in cls.mro())


_ALL = "*"


def _frozen(program: Program) -> set[str]:
    """Names in statements that set ``requires_grad``."""
    found: set[str] = set()
    for fn in program.functions.values():
        for node in walk(fn.node):
            if isinstance(node, cst.For | cst.SimpleStatementLine):
                parts = list(walk(node))
                named = [p for p in parts if isinstance(p, cst.Attribute)]
                if any(p.attr.value in ("requires_grad", "requires_grad_") for p in named):
                    found |= {p.attr.value for p in named}
    return found


# --- what is read ----------------------------------------------------------------------------------------------------


def _reads(program: Program, fn: FunctionInfo, region: Region) -> Reads:
    """What the differentiated statements of a region read, and the functions that they reach by their names."""
    nodes = [*region.forward, *region.losses.values()]
    varying = {*region.varying}

    def in_step(test: cst.BaseExpression) -> bool:
        return bool(overlap(access_of(test, fn.facts.kinds.get).reads, varying)) or _is_drawn(program, fn, test)

    reads = Reads()
    for certain, into in ((False, reads.ever), (True, reads.always)):
        waiting = [_Walk(fn, certain, in_step).over(nodes)]
        done: set[FunctionInfo] = set()
        while waiting:
            new = waiting.pop()
            into |= new
            names = {name for _, name in into} | {"forward", "__call__"}
            for callee in program.functions.values():
                if callee in done or callee.name not in names or callee.name == "__init__" or _has_no_grad(callee):
                    continue
                done.add(callee)
                waiting.append(
                    _Walk(callee, certain, _varying_tests(program, callee)).over(
                        [cast("cst.CSTNode", callee.node.body)]
                    )
                )
    return reads


def _varying_tests(program: Program, fn: FunctionInfo) -> Any:
    draws = any(_is_draw(program, fn, node) for node in walk(fn.node))
    return lambda test: draws or _is_drawn(program, fn, test)


def _has_no_grad(fn: FunctionInfo) -> bool:
    return any(each.rpartition(".")[2] in ("no_grad", "inference_mode") for each in fn.decorators)


def _is_drawn(program: Program, fn: FunctionInfo, test: cst.CSTNode) -> bool:
    """Whether a test depends on random numbers or on the values of arrays."""
    kind = fn.facts.kinds.get(test)
    is_array = kind is not None and any(isinstance(option, Tensor) for option in options(without_none(kind)))
    return is_array or any(_is_draw(program, fn, node) for node in walk(test))


def _is_draw(program: Program, fn: FunctionInfo, node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Call):
        return False
    binding = program.bindings.get(fn.file.path)
    scope = binding.scope_of.get(fn.node) if binding is not None else None
    called = binding.qualify(scope, node.func) if binding is not None and scope is not None else None
    return called is not None and called.startswith(_ON_THE_HOST)


class _Walk:
    """The attributes and functions that code reads where it is differentiated.

    ``certain``: only those that it reads whatever the tests give of which ``varies`` says that they change.
    """

    def __init__(self, fn: FunctionInfo, certain: bool, varies: Any) -> None:
        self.fn, self.certain, self.varies = fn, certain, varies
        self.own = receiver_of(fn)

    def over(self, nodes: Iterable[cst.CSTNode]) -> set[Read]:
        return set().union(*(self._of(node) for node in nodes))

    def _of(self, node: cst.CSTNode) -> set[Read]:
        if self.certain and isinstance(node, cst.If | cst.IfExp) and self.varies(node.test):
            arms = [node.body, node.orelse]
            kept = [self._of(arm) if arm is not None else set() for arm in arms]
            return self._of(node.test) | (kept[0] & kept[1])
        if isinstance(node, cst.With) and any(self._is_no_grad(item.item) for item in node.items):
            return set()
        if (
            self.certain
            and isinstance(node, cst.For)
            and any(isinstance(part, cst.If) and self.varies(part.test) for part in walk(node.body))
        ):
            return set()  # not every item has its turn
        if self.certain and isinstance(node, cst.IndentedBlock):
            return self.over(self._certain(node.body))
        found: set[Read] = set()
        if isinstance(node, cst.Attribute):
            if node.attr.value in DETACHED:
                return set()
            found |= self._named(node)
        elif isinstance(node, cst.Name):
            found.add(("", node.value))
        return found.union(*(self._of(child) for child in children(node)))

    def _certain(self, statements: Iterable[Any]) -> Iterator[Any]:
        """The statements up to one that may leave the block."""
        for statement in statements:
            yield statement
            if isinstance(statement, cst.If) and self.varies(statement.test) and list(exits(statement)):
                return

    def _named(self, node: cst.Attribute) -> set[Read]:
        name = _ALL if node.attr.value in _EVERYTHING else node.attr.value
        is_own = isinstance(node.value, cst.Name) and node.value.value == self.own and self.fn.owner is not None
        return {(self.fn.owner if is_own else None, name)}

    def _is_no_grad(self, node: cst.BaseExpression) -> bool:
        func = node.func if isinstance(node, cst.Call) else node
        kind = self.fn.facts.kinds.get(func)
        return isinstance(kind, Api) and kind.name in NO_GRAD
