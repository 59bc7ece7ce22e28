"""The methods that every nn.Module has."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from torch2jax.infer.apis import use_everything
from torch2jax.infer.arguments import Arguments, use_all
from torch2jax.infer.building import build_sequential, extend, fill_heap, grow
from torch2jax.infer.contents import heap_read
from torch2jax.infer.derived import base_layer, function_form, is_class, root_of, rule_of, super_init
from torch2jax.infer.facts import UserCall
from torch2jax.infer.flattened import flattening_walks
from torch2jax.infer.frame import Frame
from torch2jax.infer.hooks import register_hook
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import (
    FREE,
    MISSING,
    NONE,
    STR,
    UNKNOWN,
    AnyModule,
    Api,
    Container,
    Device,
    Dtype,
    Instance,
    Iterator_,
    Kind,
    Layer,
    Modules,
    NoneKind,
    Number,
    Shape,
    State,
    Str,
    Super,
    Tensor,
    Tuple,
    constant,
    is_module,
    join,
    options,
    union,
    without_none,
)
from torch2jax.infer.layers import MODULE_METHODS, call_layer_method, has_own_method
from torch2jax.infer.layout import MIXED
from torch2jax.infer.module_flow import call_container
from torch2jax.infer.program import ClassInfo
from torch2jax.infer.rule_calls import call_layer
from torch2jax.infer.states import entries_of, puts_back, without_counters
from torch2jax.rules.cache import canonical


def call_module_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    """``module.parameters()`` and its like."""
    first = without_none(receiver)
    if isinstance(first, Super):
        return _super_method(frame, node, first, name, arguments)
    if name in ("forward", "__call__"):
        from torch2jax.infer.calls import call_one

        frame.facts.special[node] = ("forward_call",)
        return call_one(frame, node, first, arguments)
    if isinstance(first, Layer) and (name not in MODULE_METHODS or has_own_method(frame, first, name)):
        result = call_layer_method(frame, node, first, name, arguments)
        if result is not None:
            return result
    frame.facts.special[node] = ("module_method", name)
    match name:
        case "__getattr__":
            use_everything(frame, arguments)
            frame.facts.special[node] = ("call_getattr",)
            return first.cls.open_attrs.read(frame.fn) if isinstance(first, Instance) else FREE
        case "modules":
            return Modules()
        case "named_modules":
            return Modules(with_names=True)
        case "children":
            return _children(frame, first)
        case "named_children":
            if isinstance(first, Container) and any(not key.isdigit() for key in first.names or ()):
                frame.report("T2J108", node, "an nnx.Sequential does not keep the names of its layers")
            return Iterator_(Tuple((STR, all_items(frame, _children(frame, first)))))
        case "parameters":
            return Iterator_(_walked_parameter(frame, node, first))
        case "named_parameters":
            return Iterator_(Tuple((STR, _walked_parameter(frame, node, first))))
        case "buffers":
            without_counters(frame, node)
            return Iterator_(Tensor(None, "float", None, True))
        case "named_buffers":
            without_counters(frame, node)
            return Iterator_(Tuple((STR, Tensor(None, "float", None, True))))
        case "apply":
            return _apply(frame, node, receiver, arguments)
        case "register_buffer" | "register_parameter":
            return _register(frame, node, first, name, arguments)
        case "add_module" | "register_module":
            return _add_module(frame, first, arguments)
        case "append" | "extend" | "insert" | "pop" | "update" | "keys" | "values" | "items":
            return _container_method(frame, node, first, name, arguments)
        case "to" | "cuda" | "cpu" | "float" | "double" | "half" | "bfloat16" | "type" | "share_memory":
            return _move(frame, node, receiver, name, arguments)
        case "eval" | "train":
            use_everything(frame, arguments)
            return receiver
        case "extra_repr" | "_get_name":
            return STR
        case "zero_grad":
            use_everything(frame, arguments)
            frame.report("T2J301", node, "Module.zero_grad: gradients are results in JAX and are not kept")
            return NONE
        case "load_state_dict" if _copies_state(frame, node, arguments):
            return UNKNOWN
        case "load_state_dict" if puts_back(frame, node, arguments):
            use_everything(frame, arguments)
            return UNKNOWN
        case "state_dict" if not node.args and is_module(receiver):
            return entries_of(frame, node, _parameter_of(frame, first)) or State(sites=frozenset((node,)))
        case "register_forward_hook" | "register_forward_pre_hook":
            return register_hook(frame, node, receiver, name, arguments)
        case "requires_grad_":
            use_everything(frame, arguments)
            frame.facts.special[node] = ("trainable",)
            return receiver
        case _:
            use_everything(frame, arguments)
            if not isinstance(first, Instance) or first.cls.is_module:
                frame.report("T2J108", node, f"Module.{name} has no translation yet", HINTS.get(name, ""))
            return UNKNOWN


HINTS = {
    "state_dict": "torch2jax.to_state_dict(module) gives PyTorch's names and axis order",
    "load_state_dict": "torch2jax.load_state_dict(module, state_dict) reads PyTorch's weights",
    "register_full_backward_hook": "jax.custom_vjp around a function sees and changes what its backward pass gets",
    "register_backward_hook": "jax.custom_vjp around a function sees and changes what its backward pass gets",
    "get_submodule": "write the attributes that its path names: `model.encoder.layers[0]`",
}


_PLAIN = (Tensor, Number, Str, Shape, NoneKind, Dtype, Device)


def _walked_parameter(frame: Frame, node: cst.Call, receiver: Kind) -> Tensor:
    """A parameter in a walk over those of a module; one that flattens them gets them in PyTorch's axis order."""
    parameter = _parameter_of(frame, receiver)
    frame.facts.in_torch_order.discard(node)
    if parameter.layout != MIXED or node not in flattening_walks(frame.fn.node):
        return parameter
    frame.facts.in_torch_order.add(node)
    return replace(parameter, layout=None)


def _parameter_of(frame: Frame, receiver: Kind) -> Tensor:
    """A parameter of a module: in PyTorch's axis order, if the module has no layers that may keep it otherwise."""
    mixed = Tensor(None, "float", MIXED, True)
    pending: list[ClassInfo] = []
    for option in options(receiver):
        if not isinstance(option, Instance) or option.cls.module_base != "torch.nn.Module":
            return mixed
        pending += option.cls.mro()
    classes: set[ClassInfo] = set()
    while pending:
        cls = pending.pop()
        pending += () if cls in classes else cls.derived
        classes.add(cls)
    cells = [cell for cls in classes for cell in (*cls.attrs.values(), cls.open_attrs)]
    held = [option for cell in cells for option in options(cell.read(frame.fn)) if cell.writes]
    return replace(mixed, layout=None) if all(_is_own(option) for option in held) else mixed


def _is_own(kind: Kind) -> bool:
    """Whether an attribute holds no layers: an array in PyTorch's order, a list of parameters, or a plain value."""
    if isinstance(kind, Container):
        return kind.type in ("ParameterList", "ParameterDict")
    return isinstance(kind, _PLAIN) and not (isinstance(kind, Tensor) and kind.layout is not None)


def _children(frame: Frame, receiver: Kind) -> Kind:
    """The layers directly in a module, those included that become plain functions."""
    if isinstance(receiver, Container) and receiver.type in ("Sequential", "ModuleList"):
        return replace(receiver, type="ModuleList", names=None)
    if isinstance(receiver, Instance) and receiver.cls.is_module:
        if receiver.cls.module_base == "torch.nn.Sequential":
            site = next((cls.site for cls in receiver.cls.mro() if cls.site is not None), None)
            return _children(frame, site) if isinstance(site, Container) else Iterator_(AnyModule())
        held = [cell.read(frame.fn) for cls in receiver.cls.mro() for cell in cls.attrs.values()]
        layers = [option for kind in held for option in options(kind) if is_module(option)]
        if layers:
            return Iterator_(union(layers))
    return Iterator_(AnyModule())


def _copies_state(frame: Frame, node: cst.Call, arguments: Arguments) -> bool:
    """``a.load_state_dict(b.state_dict())``: the state goes from one module to another, in whatever form."""
    if len(arguments.positional) != 1 or arguments.keywords.keys() - {"strict"} or arguments.star is not None:
        return False
    source = arguments.positional[0][0]
    if frame.facts.special.get(source) != ("module_method", "state_dict") or not isinstance(source, cst.Call):
        return False
    if source.args or not isinstance(source.func, cst.Attribute):
        return False
    for key in [key for key in frame.facts.findings if key[1] is source]:
        del frame.facts.findings[key]
    frame.facts.special[node] = ("copy_state", source.func.value)
    return True


def _move(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    dtype = name in ("double", "half", "bfloat16") or any(
        "Dtype" in type(kind).__name__ for _, kind in arguments.nodes()
    )
    use_everything(frame, arguments)
    if dtype:
        frame.report(
            "T2J103",
            node,
            f"Module.{name} changes the dtype of the parameters",
            "build the model with `param_dtype=` instead",
        )
    else:
        frame.report("T2J301", node, f"Module.{name}: JAX places arrays by itself")
    return receiver


def _super_method(frame: Frame, node: cst.Call, receiver: Super, name: str, arguments: Arguments) -> Kind:
    cls = receiver.cls
    base = cls.module_base
    if name == "__init__":
        return _super_init(frame, node, cls, arguments)
    if name == "forward" and base not in (None, "torch.nn.Module"):
        if base == "torch.nn.Sequential" and arguments.positional:
            frame.facts.special[node] = ("super_forward",)
            return call_container(frame, cls.site or Container("Sequential", cls), arguments.positional[0])
        layer = base_layer(frame.program, cls, frame.fn)
        if layer is not None:
            form = None if is_class(layer) else function_form(frame.program, cls, layer.rule)
            if form is None and not is_class(layer):
                frame.report("T2J103", node, f"{layer.name} is a function in Flax", "call it instead")
            for assumption in form.choice.assumptions if form is not None else ():
                frame.report("T2J201", node, f"{layer.name}: assumed that {assumption}")
            frame.facts.special[node.func] = ("super_forward", form)
            return call_layer(frame, node, layer, arguments)
    if name == "reset_parameters" and base not in (None, "torch.nn.Module"):
        return _super_reset(frame, node, cls)
    if base is not None and name in MODULE_METHODS:
        return call_module_method(frame, node, Instance(cls), name, arguments)
    use_all(frame, arguments)
    return FREE


def _super_reset(frame: Frame, node: cst.Call, cls: ClassInfo) -> Kind:
    """``super().reset_parameters()``: the constructor of the layer has just done that."""
    if all(caller.name == "__init__" for caller in frame.fn.callers):
        frame.facts.special[node] = ("super_init", "drop")
        frame.report("T2J301", node, "the layer has its initial values when it is built")
    else:
        frame.report("T2J101", node, f"{cls.module_base}.reset_parameters has no translation", "build the layer again")
    return NONE


def _super_init(frame: Frame, node: cst.Call, cls: ClassInfo, arguments: Arguments) -> Kind:
    base = cls.module_base
    if base == "torch.nn.Sequential":
        frame.facts.special[node] = ("super_init", "sequential")
        cls.site = build_sequential(frame, node, arguments)
    elif base in ("torch.nn.ModuleList", "torch.nn.ModuleDict"):
        frame.facts.special[node] = ("super_init", "keep")
        use_all(frame, arguments)
    elif (rule := rule_of(frame.program, cls)) is not None:
        return super_init(frame, node, cls, rule, arguments)
    elif base == "torch.nn.Module":
        use_all(frame, arguments)
        frame.facts.special[node] = ("super_init", "drop")
    else:
        use_all(frame, arguments)
    return NONE


def init_by_name(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> Kind | None:
    """``nn.Linear.__init__(self, ...)`` where ``super().__init__(...)`` is the same; None elsewhere."""
    cls, (layer, _, method) = frame.cls, name.rpartition(".")
    if method != "__init__" or cls is None or frame.fn.name != "__init__" or root_of(cls) is not cls:
        return None
    base, rule = cls.bases[0], rule_of(frame.program, cls)
    on_self = bool(arguments.positional) and arguments.positional[0][1] == Instance(cls) and not node.args[0].star
    if rule is None or not on_self or not isinstance(base, Api) or canonical(base.name) != canonical(layer):
        return None
    return super_init(frame, node, cls, rule, arguments.behind_the_first())


def _apply(frame: Frame, node: cst.Call, receiver: Kind, arguments: Arguments) -> Kind:
    from torch2jax.infer.calls import call_kind

    if arguments.positional:
        holder, function = arguments.positional[0]
        inner = Arguments([(holder, AnyModule())], {})
        shadow = node.with_changes(args=node.args)
        call_kind(frame, shadow, function, inner)
        fact = frame.facts.calls.pop(shadow, None)
        rngs = isinstance(fact, UserCall) and fact.rngs
        frame.facts.special[node] = ("apply", rngs)
    return receiver


def _register(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    named = arguments.positional[0] if arguments.positional else arguments.keywords.get("name")
    key = constant(named[1]) if named is not None else MISSING
    value = arguments.positional[1] if len(arguments.positional) > 1 else None
    value = value or arguments.keywords.get("tensor") or arguments.keywords.get("param")
    if not isinstance(receiver, Instance) or value is None:
        frame.report("T2J107", node, f"{name} on an object that is not known")
        return NONE
    kind = without_none(value[1])
    used = frame.use(value[0], value[1])
    plain = without_none(used)
    if isinstance(value[1], NoneKind):
        stored: Kind = NONE
    elif isinstance(plain, Tensor):
        stored = replace(plain, variable=True)
    else:
        stored = Tensor(None, None, None, True)
    if isinstance(kind, Tensor) and kind.variable and name == "register_parameter":
        frame.facts.reads.discard(value[0])
    cls = receiver.cls
    if isinstance(key, str):
        cls.attrs[key].write(join(stored, NONE) if value[1] != without_none(value[1]) else stored, frame.program)
        (cls.buffers if name == "register_buffer" else cls.parameters).add(key)
    else:
        cls.open_attrs.write(stored, frame.program)
    frame.facts.special[node] = ("register", name, key if isinstance(key, str) else None)
    return NONE


def _add_module(frame: Frame, receiver: Kind, arguments: Arguments) -> Kind:
    pairs = arguments.positional
    if len(pairs) == 2:
        key = constant(pairs[0][1])
        if isinstance(receiver, Instance):
            if receiver.cls.module_base == "torch.nn.Sequential":
                current = receiver.cls.site
                site = current.site if isinstance(current, Container) else receiver.cls
                fill_heap(frame, site, pairs[1][1])
                for item in (current.items or ()) if isinstance(current, Container) else ():
                    fill_heap(frame, site, item)
                frame.program.grown.add(site)
                receiver.cls.site = Container("Sequential", site)
            if isinstance(key, str):
                receiver.cls.attrs[key].write(pairs[1][1], frame.program)
            else:
                receiver.cls.open_attrs.write(pairs[1][1], frame.program)
        elif isinstance(receiver, Container):
            grow(frame, receiver)
            fill_heap(frame, receiver.site, pairs[1][1])
    return NONE


def _container_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    if isinstance(receiver, Container):
        for holder, kind in arguments.positional:
            if name in ("append", "insert") and (is_module(kind) or isinstance(without_none(kind), Tensor)):
                grow(frame, receiver)
                fill_heap(frame, receiver.site, kind)
            elif name in ("extend", "update"):
                extend(frame, receiver, kind)
            del holder
        item = heap_read(frame, receiver.site)
        if name == "items":
            return Iterator_(Tuple((STR, item)))
        if name in ("values", "keys"):
            return Iterator_(item if name == "values" else STR)
        return item if name == "pop" else NONE
    use_all(frame, arguments)
    return FREE
