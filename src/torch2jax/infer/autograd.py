"""``torch.autograd.Function``: what its context carries from the forward to the backward pass."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from torch2jax.infer.kinds import (
    FREE,
    NONE,
    TENSOR,
    Api,
    CustomGradient,
    Device,
    Dtype,
    Function,
    Instance,
    Kind,
    Layer,
    Mapping,
    NoneKind,
    Number,
    Partial,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    join,
    options,
    without_none,
)
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.source.nodes import children, walk

BASES = frozenset({"torch.autograd.Function", "torch.autograd.function.Function"})
SAVED = ("saved_tensors", "saved_variables")
NEEDS = "needs_input_grad"
_MARKS = ("set_materialize_grads", "mark_non_differentiable", "mark_dirty", "save_for_backward")
_IGNORED = ("symbolic", "vmap", "generate_vmap_rule")  # ONNX and torch.func, which JAX serves without them


def is_function_base(kind: Kind) -> bool:
    """Whether a base class is ``torch.autograd.Function``."""
    return isinstance(kind, Api) and kind.name in BASES


def parameter_kind(fn: FunctionInfo, index: int, kind: Kind) -> Kind:
    """A parameter of ``forward``, ``backward`` or ``setup_context`` of which nothing is known."""
    cls = fn.owner
    assert cls is not None
    if index == 0 and has_context(cls, fn):
        return Instance(cls)
    if fn.name == "setup_context":
        forward = cls.methods.get("forward")
        if index == 1 and forward is not None:
            return Tuple(tuple(cell.kind for cell in forward.params.values()))
        return forward.result.kind if forward is not None else kind
    if fn.name == "backward" or (fn.name == "forward" and _has_gradient(cls, fn, index)):
        return join(TENSOR, kind)
    return kind


def has_context(cls: ClassInfo, fn: FunctionInfo) -> bool:
    """Whether the first parameter is the context; ``forward`` has none beside ``setup_context``."""
    return fn.name in ("backward", "setup_context") or (fn.name == "forward" and "setup_context" not in cls.methods)


def _has_gradient(cls: ClassInfo, forward: FunctionInfo, index: int) -> bool:
    """Whether some ``return`` of ``backward`` has a gradient for this parameter of ``forward``."""
    backward = cls.methods.get("backward")
    if backward is None:
        return False
    place = index - has_context(cls, forward)
    return any(not _is_none(gradient_at(value, place)) for value in returned(backward))


def returned(fn: FunctionInfo) -> list[cst.BaseExpression | None]:
    """What the ``return`` statements of a function give, without those of functions in it."""
    return [node.value for node in own_nodes(fn.node) if isinstance(node, cst.Return)]


def own_nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes of a function's body that run with it."""
    stack: list[cst.CSTNode] = [node.body] if isinstance(node, cst.FunctionDef) else [node]
    while stack:
        part = stack.pop()
        yield part
        if not isinstance(part, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            stack.extend(reversed(children(part)))


def gradient_at(value: cst.BaseExpression | None, place: int) -> cst.BaseExpression | None:
    """The gradient for one input in what ``backward`` returns; None if it has none there."""
    if isinstance(value, cst.Tuple):
        return value.elements[place].value if place < len(value.elements) else None
    return value if place == 0 or isinstance(value, cst.Name | cst.Call) else None


def _is_none(node: cst.BaseExpression | None) -> bool:
    return node is None or (isinstance(node, cst.Name) and node.value == "None")


def save(cls: ClassInfo, kinds: list[Kind], starred: bool, program: Program, node: cst.Call) -> Kind:
    """``ctx.save_for_backward(...)``."""
    saved: Kind = Tuple(tuple(kinds))
    if starred:
        program.heap[node].write(TENSOR, program)
        saved = Sequence("tuple", node)
    cls.attrs[SAVED[0]].write(saved, program)
    return NONE


# the plan of the translation


@dataclass(frozen=True, slots=True)
class Carried:
    """An attribute of the context: where it is set, whether that is at the top of the body, and what it holds.

    ``constant``: the parameter that it is, where JAX does not differentiate in it; ``again``: it can be computed in the
    backward pass from constants and the shapes of ``arrays``.
    """

    name: str
    value: cst.BaseExpression
    target: cst.Attribute
    kind: Kind
    constant: str | None = None
    again: bool = False
    arrays: tuple[str, ...] = ()


@dataclass
class Plan:
    """How a class becomes functions; ``cause`` is why it can't."""

    cls: ClassInfo
    name: str
    cause: str = ""
    params: list[str] = field(default_factory=list)
    constants: list[int] = field(default_factory=list)
    carried: dict[str, Carried] = field(default_factory=dict)
    saves: list[cst.Call] = field(default_factory=list)
    saved_at_return: bool = False

    @property
    def recorder(self) -> FunctionInfo:
        """The method that fills the context."""
        return self.cls.methods.get("setup_context", self.cls.methods["forward"])

    def context(self, fn: FunctionInfo) -> str:
        """What a method calls its context."""
        params = fn.parameters()
        assert params is not None
        return params.params[0].name.value


def plan_of(program: Program, cls: ClassInfo) -> Plan:
    """The plan of a class, made once everything is inferred."""
    if cls.gradient is None:
        plan = Plan(cls, _function_name(cls))
        plan.cause = _structure(plan) or _analyse(program, plan)
        cls.gradient = plan
    assert isinstance(cls.gradient, Plan)
    return cls.gradient


def _function_name(cls: ClassInfo) -> str:
    """The class's name in snake case, unless the file has that name for something else than this function."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.name).lower()
    taken = {key for key, cell in cls.file.names.items() if cell.kind not in (CustomGradient(cls), FREE)}
    reserved = {*taken, *dir(builtins), *keyword.kwlist, "jax", "jnp", "nnx", "partial"}
    while name in reserved:
        name += "_function"
    return name


def _structure(plan: Plan) -> str:
    """What is wrong with the shape of the class."""
    cls = plan.cls
    if any(base is not cls for base in cls.mro()) or len(cls.bases) != 1:
        return "a class of autograd.Function with other bases"
    for name in ("forward", "backward"):
        if name not in cls.methods:
            return f"an autograd.Function without {name}"
        if not cls.methods[name].is_static:
            return f"{name} of an autograd.Function of PyTorch's old style, which is no static method"
    extra = sorted((cls.methods.keys() | cls.class_names.keys()) - {"forward", "backward", "setup_context", *_IGNORED})
    if extra:
        return f"an autograd.Function that defines `{extra[0]}` as well"
    for method in (plan.recorder, cls.methods["forward"], cls.methods["backward"]):
        if has_context(cls, method) and not method.node.params.params:  # type: ignore[union-attr]
            return f"{method.name} of an autograd.Function without a context"
    params = cls.methods["forward"].parameters()
    assert params is not None
    if isinstance(params.star_arg, cst.Param) or params.star_kwarg or params.kwonly_params or params.posonly_params:
        return "forward of an autograd.Function with any number of arguments"
    if cls.methods["forward"].needs_rngs or cls.methods["backward"].needs_rngs:
        return "an autograd.Function that draws random numbers"
    return ""


def _analyse(program: Program, plan: Plan) -> str:
    """Fill the plan from the bodies of the methods; why it can't be done, if so."""
    cls = plan.cls
    forward, backward = cls.methods["forward"], cls.methods["backward"]
    plan.params = [p.name.value for p in forward.parameters().params][has_context(cls, forward) :]  # type: ignore[union-attr]
    returns = returned(backward)
    if not returns or any(value is None for value in returns):
        return "backward of an autograd.Function that may return nothing"
    for value in returns:
        if isinstance(value, cst.Tuple) and any(isinstance(e, cst.StarredElement) for e in value.elements):
            return "backward of an autograd.Function that returns any number of gradients"
        if isinstance(value, cst.Tuple) and len(value.elements) < len(plan.params):
            return "backward of an autograd.Function that returns too few gradients"
    plan.constants = [
        index
        for index, name in enumerate(plan.params)
        if _is_static(forward.params[name].kind)
        and all(isinstance(value, cst.Tuple) and _is_none(gradient_at(value, index)) for value in returns)
    ]
    if plan.constants and not all(isinstance(value, cst.Tuple) for value in returns):
        return "backward of an autograd.Function that returns its gradients in a variable"
    for method in {plan.recorder, backward}:
        cause = _context_uses(plan, method)
        if cause:
            return cause
    return _carry(program, plan)


def _is_static(kind: Kind) -> bool:
    """Whether a value is surely no array: JAX takes it as it is and differentiates in the others."""
    static = (Number, Str, NoneKind, Tuple, Function, Api, Partial, Dtype, Device, Shape, Mapping, Layer)
    kinds = list(options(kind))
    return all(isinstance(k, static) for k in kinds) and not all(isinstance(k, NoneKind) for k in kinds)


def _context_uses(plan: Plan, method: FunctionInfo) -> str:
    """What a method does with its context besides carrying values."""
    name = plan.context(method)
    held = set()
    for node in walk(method.node):
        if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.value.value == name:
            held.add(node.value)
            if node.attr.value == "mark_dirty":
                return "an autograd.Function that changes its input in place"
            if node.attr.value == "mark_non_differentiable" and not _ignores_marked(plan, method):
                return "an autograd.Function that marks an output as not differentiable and reads its gradient"
    params = {param.name for param in method.node.params.params}  # type: ignore[union-attr]
    bare = [n for n in walk(method.node) if isinstance(n, cst.Name) and n.value == name and n not in held | params]
    return "an autograd.Function that hands its context on" if bare else ""


def _ignores_marked(plan: Plan, method: FunctionInfo) -> bool:
    """Whether ``backward`` does not read the gradients of outputs that are marked as not differentiable."""
    calls = [n for n in walk(method.node) if isinstance(n, cst.Call)]
    context = plan.context(method)
    marked = {
        arg.value.value if isinstance(arg.value, cst.Name) else ""
        for call in calls
        if _is_context(call.func, context, "mark_non_differentiable")
        for arg in call.args
    }
    backward = plan.cls.methods["backward"]
    gradients = [p.name for p in backward.parameters().params[1:]]  # type: ignore[union-attr]
    read = [n.value for n in walk(backward.node) if isinstance(n, cst.Name) and n not in gradients]
    for value in returned(plan.cls.methods["forward"]):
        outputs = [e.value for e in value.elements] if isinstance(value, cst.Tuple) else [value]
        names = [output.value if isinstance(output, cst.Name) else None for output in outputs]
        places = [names.index(name) for name in marked if name in names]
        if (
            len(places) != len(marked)
            or len(gradients) != len(names)
            or any(gradients[p].value in read for p in places)
        ):
            return False
    return True


def _carry(program: Program, plan: Plan) -> str:
    """What the context holds."""
    recorder = plan.recorder
    context = plan.context(recorder)
    body = recorder.node.body.body  # type: ignore[union-attr]
    top = {small for line in body if isinstance(line, cst.SimpleStatementLine) for small in line.body}
    read = set(_attributes(plan.cls.methods["backward"], plan.context(plan.cls.methods["backward"])))
    for node in walk(recorder.node):
        if isinstance(node, cst.Call) and _is_context(node.func, context, "save_for_backward"):
            plan.saves.append(node)
        elif isinstance(node, cst.Assign):
            for target, value in assigned(node):
                once = node in top and len(node.targets) == 1
                cause = _carry_one(program, plan, target, value, context, read, once=once)
                if cause:
                    return cause
    plan.saved_at_return = len(plan.saves) == 1 and any(
        isinstance(small, cst.Expr) and small.value is plan.saves[0] for small in top
    )
    plan.saved_at_return = plan.saved_at_return and all(
        not arg.star and isinstance(arg.value, cst.Name) and _bound_once(program, recorder, arg.value.value)
        for arg in plan.saves[0].args
    )
    missing = read - plan.carried.keys() - {*SAVED, NEEDS}
    if missing:
        return f"`ctx.{min(missing)}` of an autograd.Function, which is set nowhere"
    if read & {*SAVED} and not plan.saves:
        return "backward of an autograd.Function that reads tensors which are not saved"
    return ""


def assigned(node: cst.Assign) -> list[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """Targets and what each gets; ``a, b = x, y`` by parts."""
    pairs: list[tuple[cst.BaseExpression, cst.BaseExpression]] = []
    for target in (t.target for t in node.targets):
        parts = zip(_parts(target), _parts(node.value), strict=False)
        by_parts = len(_parts(target)) == len(_parts(node.value)) > 0
        pairs += list(parts) if by_parts else [(target, node.value)]
    return pairs


def _parts(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    return [element.value for element in node.elements] if isinstance(node, cst.Tuple) else []


def _carry_one(
    program: Program,
    plan: Plan,
    target: cst.BaseExpression,
    value: cst.BaseExpression,
    context: str,
    read: set[str],
    *,
    once: bool,
) -> str:
    if not isinstance(target, cst.Attribute) or not _is_context(target, context, target.attr.value):
        parts = walk(target) if isinstance(target, cst.Tuple | cst.List) else ()
        tupled = any(isinstance(p, cst.Attribute) and _is_context(p, context, p.attr.value) for p in parts)
        return "an autograd.Function that unpacks into its context" if tupled else ""
    name = target.attr.value
    if name not in read:
        return ""
    recorder = plan.recorder
    constants = {plan.params[index] for index in plan.constants} & _inputs(plan)
    kind = recorder.facts.kinds.get(value, FREE)
    once = once and name not in plan.carried
    constant = value.value if isinstance(value, cst.Name) and value.value in constants and once else None
    if constant is not None and not _bound_once(program, recorder, constant):
        constant = None
    arrays = _again(program, plan, value, constants) if once and constant is None else None
    again = arrays is not None and not any(isinstance(k, Tensor) for k in options(kind))
    if not again and constant is None and _is_static(without_none(kind)) and not isinstance(kind, Number):
        return f"`ctx.{name}` of an autograd.Function, which is no array and can't be computed in the backward pass"
    plan.carried[name] = Carried(name, value, target, kind, constant, again, arrays or ())
    return ""


def _inputs(plan: Plan) -> set[str]:
    """The inputs that have the same name where the context is filled; ``setup_context`` unpacks them first."""
    recorder = plan.recorder
    if recorder.name != "setup_context":
        return set(plan.params)
    name = recorder.node.params.params[1].name.value  # type: ignore[union-attr]
    unpacked = [
        [part.value for part in _parts(target) if isinstance(part, cst.Name)]
        for node in own_nodes(recorder.node)
        if isinstance(node, cst.Assign) and isinstance(node.value, cst.Name) and node.value.value == name
        for target, _ in assigned(node)
    ]
    return {p for i, p in enumerate(plan.params) for names in unpacked if names[i : i + 1] == [p]}


_SIZES = ("shape", "size", "ndim", "dim", "numel", "dtype")


def _again(program: Program, plan: Plan, value: cst.BaseExpression, constants: set[str]) -> tuple[str, ...] | None:
    """The arrays whose shapes an expression needs, if that, constants and the names of the file are all it needs."""
    recorder = plan.recorder
    scope = program.bindings[recorder.file.path].scope_of[recorder.node]
    arrays: dict[str, None] = {}
    sized: set[cst.CSTNode] = set()
    for node in walk(value):
        if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.attr.value in _SIZES:
            sized.add(node.value)
        elif isinstance(node, cst.Name) and (node in sized or node.value in scope.names):
            if not _bound_once(program, recorder, node.value):
                return None
            if node in sized and node.value in _inputs(plan) and node.value not in constants:
                arrays[node.value] = None
            elif node.value not in constants:
                return None
        elif isinstance(node, cst.Lambda | cst.NamedExpr | cst.Await | cst.ListComp | cst.GeneratorExp):
            return None
    return tuple(arrays)


def _bound_once(program: Program, fn: FunctionInfo, name: str) -> bool:
    scope = program.bindings[fn.file.path].scope_of[fn.node]
    return len(scope.names.get(name, ())) == 1


def _is_context(node: cst.CSTNode, context: str, name: str) -> bool:
    return (
        isinstance(node, cst.Attribute)
        and node.attr.value == name
        and isinstance(node.value, cst.Name)
        and node.value.value == context
    )


def _attributes(fn: FunctionInfo, context: str) -> Iterator[str]:
    for node in walk(fn.node):
        held = isinstance(node, cst.Attribute) and _is_context(node, context, node.attr.value)
        if isinstance(node, cst.Attribute) and held and node.attr.value not in _MARKS:
            yield node.attr.value
