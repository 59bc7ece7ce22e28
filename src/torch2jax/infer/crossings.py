"""Values that cross between JAX and the side of the data.

An expression that data loading is given stays as it is where PyTorch can run it (`host_value`), else its arrays become
tensors (`sent`). What comes from that side is made an array where JAX code uses it (`Frame.eval`), or right after a
name has got it (`received`).
"""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from torch2jax.infer.arguments import Arguments, take
from torch2jax.infer.frame import Frame
from torch2jax.infer.host import is_host_api, is_host_callee, is_of_jax, look
from torch2jax.infer.host_uses import is_converted_next, name_fits_array, reads_after, reads_of, takes_apart
from torch2jax.infer.kinds import (
    FREE,
    Api,
    BoundApi,
    ClassRef,
    Function,
    HostTensor,
    Instance,
    Iterator_,
    Kind,
    Mapping,
    Number,
    Partial,
    Sequence,
    Tensor,
    Tuple,
    Union,
    as_array,
    as_host,
    is_module,
    options,
    union,
    without_none,
)
from torch2jax.source.nodes import children, walk


def host_value(frame: Frame, node: cst.BaseExpression) -> Kind:
    """The kind of an expression whose value code of the data side takes; arrays of JAX become tensors there."""
    frame.facts.host.discard(node)
    frame.facts.sent.discard(node)
    frame.facts.crossings.pop(node, None)
    if _runs_in_torch(frame, node):
        kind = hosted(frame, node)
        frame.facts.host.add(node)
        return kind
    if isinstance(node, cst.List | cst.Tuple) and not any(isinstance(e, cst.StarredElement) for e in node.elements):
        kind = Tuple(tuple(host_value(frame, element.value) for element in node.elements))
        frame.facts.kinds[node] = kind
        return kind
    frame.facts.sent.add(node)
    return sent(frame, node, frame.eval(node))


def hosted(frame: Frame, node: cst.CSTNode) -> Kind:
    """The kind of an expression that stays PyTorch."""
    before, frame.program.hosting = frame.program.hosting, True
    kind = frame.eval(node)
    frame.program.hosting = before
    return as_host(kind)


def sent(frame: Frame, node: cst.CSTNode, kind: Kind) -> Kind:
    """A value of JAX code goes to the side of the data."""
    plain = without_none(kind)
    if is_module(plain) and not isinstance(plain, Instance):
        message = f"a layer of Flax is passed to data loading, which {frame.program.data_side}"
        frame.report("T2J111", node, message, "apply it to the batches, in the loop")
    if isinstance(plain, Tensor):
        used = frame.use(node, kind)
        frame.facts.crossings[node] = "out" if plain is kind else "out or None"
        return as_host(used)
    if _holds_array(frame, plain):
        take(frame, node, kind)
        frame.facts.crossings[node] = "out tree"
        return as_host(plain)
    return kind


def _holds_array(frame: Frame, kind: Kind, depth: int = 0) -> bool:
    """Whether arrays are among the items of a container."""
    match kind:
        case Tensor():
            return depth > 0
        case Tuple(items=items):
            return any(_holds_array(frame, item, depth + 1) for item in items)
        case Sequence(site=site) | Mapping(site=site) if depth < 4:
            held = frame.program.heap[site].read(frame.fn)
            return any(_holds_array(frame, option, depth + 1) for option in options(held))
        case Iterator_(item=item):
            return _holds_array(frame, item, depth + 1)
    return False


def _runs_in_torch(frame: Frame, node: cst.CSTNode) -> bool:
    """Whether an expression can stay as it is: nothing in it is an array of JAX, or code that is translated."""
    bound = set()
    for part in walk(node):
        if isinstance(part, cst.Param):
            bound.add(part.name.value)
        elif isinstance(part, cst.CompFor):
            bound |= {inner.value for inner in walk(part.target) if isinstance(inner, cst.Name)}
    return _stays(frame, node, bound)


def _stays(frame: Frame, node: cst.CSTNode, bound: set[str]) -> bool:
    match node:
        case cst.Lambda() if frame.program.uses_grain:
            return True  # a function of the side of the data, like one with a name
        case cst.Name(value=name):
            kind = frame.lookup(name) if name not in bound else None
            return kind is None or not (is_of_jax(kind) or _holds_array(frame, kind))
        case cst.Attribute():
            kind = look(frame, node)
            if kind is not None:
                return not (
                    any(_is_array(option) for option in options(kind))
                    or any(_holds_array(frame, one) for one in options(kind))
                )
        case cst.Call() if not _stays_when_called(frame, node):
            return False
    return all(_stays(frame, child, bound) for child in children(node))


def _is_array(kind: Kind) -> bool:
    return isinstance(kind, Tensor) or is_module(kind)


def _stays_when_called(frame: Frame, node: cst.Call) -> bool:
    callee = look(frame, node.func)
    match callee:
        case Api(name=name) if frame.program.uses_grain and name.startswith("torch."):
            return is_host_api(frame.program, name)  # JAX makes the arrays that NumPy then gets
        case Function(info=info):
            return info.is_host
        case ClassRef(cls=cls):
            if cls.is_host:
                return True
            return not cls.is_module and cls.find("__call__") is not None and cls is not frame.cls
        case Instance(cls=cls):
            return cls.is_host
        case Partial():
            return is_host_callee(frame, callee)
    return True


def received(frame: Frame, target: cst.CSTNode, kind: Kind) -> Kind:
    """A target gets something of the data side: arrays are made of it right after, or where they are used."""
    frame.facts.received.pop(target, None)
    if frame.program.hosting or not holds_host(frame, kind) or not _comes_from_host(frame, kind):
        return kind
    name = target.value if isinstance(target, cst.Name) else None
    if name is not None and not frame.is_script and next(reads_of(frame.fn.node, name), None) is None:
        return FREE
    if isinstance(target, cst.Subscript | cst.Tuple | cst.List) or target in frame.facts.inline:
        return kind
    certain = _is_certain(kind)
    if name is None:
        return _as_received(frame, target, kind)
    if not certain and not name_fits_array(frame, name, target=target):
        return kind if _is_taken_apart(frame, target, name, kind) else _as_nest(frame, target, kind)
    if isinstance(target, cst.Name) and is_converted_next(frame, target):
        return union(HostTensor(o.rank, o.dtype) if isinstance(o, HostTensor) else o for o in options(kind))
    return _as_received(frame, target, kind)


def _comes_from_host(frame: Frame, kind: Kind) -> bool:
    """Whether no container that JAX code made is among the alternatives: what is in one counts where it is used."""
    sites = [option.site for option in options(kind) if isinstance(option, Sequence | Mapping)]
    made = frame.program.host_sites
    return all(site in made or (isinstance(site, tuple) and site[-1:] == ("batch",)) for site in sites)


def _is_certain(kind: Kind) -> bool:
    """Whether a value is a tensor of the data side, or a number that NumPy takes as well."""
    return all(isinstance(o, Number) or (isinstance(o, HostTensor) and not o.assumed) for o in options(kind))


def holds_host(frame: Frame, kind: Kind, depth: int = 0) -> bool:
    """Whether a tensor of the data side is in a value, or in a container."""
    match kind:
        case HostTensor():
            return True
        case Tuple(items=items):
            return any(holds_host(frame, item, depth + 1) for item in items)
        case Union():
            return any(holds_host(frame, option, depth) for option in kind.options)
        case Sequence(site=site) | Mapping(site=site) if depth < 4 and frame.program.touches_host:
            return holds_host(frame, frame.program.heap[site].read(frame.fn), depth + 1)
    return False


def _is_taken_apart(frame: Frame, target: cst.CSTNode, name: str, kind: Kind) -> bool:
    """Whether a name is only unpacked, indexed by literals, gone through or passed on: its parts become arrays."""
    parts = kind.items if isinstance(kind, Tuple) else ()
    plain = bool(parts) and all(_is_certain(part) for part in parts)
    return all(takes_apart(frame, read, plain) for read in reads_after(frame, name, target))


def _as_nest(frame: Frame, target: cst.CSTNode, kind: Kind) -> Kind:
    """The arrays inside a batch of unknown structure are made right after."""
    frame.facts.received[target] = "nest"
    return _nest(frame, kind)


def _nest(frame: Frame, kind: Kind) -> Kind:
    """What is known of a container once arrays have been made of what is inside."""
    program = frame.program
    match kind:
        case Mapping(site=site, keys=keys):
            program.heap[site, "jax"].write(as_array(program.heap[site].read(frame.fn)), program)
            for key in keys or ():
                if (site, key) in program.heap:
                    held = as_array(program.heap[site, key].read(frame.fn))
                    program.heap[(site, "jax"), key].write(held, program)
            return Mapping((site, "jax"), keys)
        case Sequence(type=type_, site=site):
            program.heap[site, "jax"].write(as_array(program.heap[site].read(frame.fn)), program)
            return Sequence(type_, (site, "jax"))
    if any(isinstance(option, HostTensor) and option.assumed for option in options(kind)):
        return FREE
    return as_array(kind)


def with_arrays(frame: Frame, callee: Kind, arguments: Arguments) -> Arguments:
    """The arguments of a call that takes arrays, where tensors of the data side are inside of containers among them."""
    if not all(_takes_arrays(option) for option in options(callee)):
        return arguments

    def crossed(node: cst.BaseExpression, kind: Kind) -> Kind:
        if isinstance(kind, HostTensor) or not holds_host(frame, kind):
            return kind
        frame.facts.crossings[node] = "in nest"
        frame.facts.kinds[node] = _nest(frame, kind)
        return frame.facts.kinds[node]

    return replace(
        arguments,
        positional=[(node, crossed(node, kind)) for node, kind in arguments.positional],
        keywords={name: (node, crossed(node, kind)) for name, (node, kind) in arguments.keywords.items()},
        star=None if arguments.star is None else (arguments.star[0], crossed(*arguments.star)),
        double_star=None
        if arguments.double_star is None
        else (arguments.double_star[0], crossed(*arguments.double_star)),
        ordered=[(node, crossed(node, kind), star) for node, kind, star in arguments.ordered],
    )


def _takes_arrays(callee: Kind) -> bool:
    match callee:
        case Api(name=name):
            return name.partition(".")[0] in ("torch", "einops")
        case BoundApi(receiver=Tensor()):
            return True
    return is_module(callee)


def _as_received(frame: Frame, target: cst.CSTNode, kind: Kind) -> Kind:
    certain = all(isinstance(option, HostTensor | Number) for option in options(kind))
    frame.facts.received[target] = "array" if certain else "nest"
    return union(Tensor(o.rank, o.dtype) if isinstance(o, HostTensor) else o for o in options(kind))


def received_parameter(frame: Frame, param: cst.Param, kind: Kind) -> Kind:
    """A parameter that may be given a tensor of the data side, such as the items of a batch behind a star."""
    frame.facts.received.pop(param, None)
    if frame.program.hosting or not any(isinstance(option, HostTensor) for option in options(kind)):
        return kind
    name = param.name.value
    assumed = any(isinstance(option, HostTensor) and option.assumed for option in options(kind))
    if isinstance(frame.fn.node, cst.Lambda) or (assumed and not name_fits_array(frame, name)):
        return kind
    return _as_received(frame, param, kind)


def keep_value(frame: Frame, node: cst.Assign) -> None:
    """``x = torch.randn(100, 3)`` of which only data loading sees the value."""
    kind = hosted(frame, node.value)
    frame.facts.host.add(node.value)
    for target in node.targets:
        if isinstance(target.target, cst.Name):
            frame.bind(target.target.value, kind, target.target)
