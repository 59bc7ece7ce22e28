"""Reading and writing attributes: of modules of Python, tensors, layers, the project's objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer import aliasing, autograd
from torch2jax.infer.aliasing import HINT
from torch2jax.infer.crossings import sent
from torch2jax.infer.data_attribute import is_of_tensor
from torch2jax.infer.derived import base_layer, is_class, kept_attribute
from torch2jax.infer.distributed import unwrapped
from torch2jax.infer.frame import Frame, evaluates
from torch2jax.infer.host import host_attribute, note_leak, note_loader_attribute
from torch2jax.infer.kinds import (
    BOOL,
    FREE,
    NAMESPACES,
    NUMPY,
    STR,
    UNKNOWN,
    AnyModule,
    Api,
    BoundApi,
    ClassName,
    ClassRef,
    Container,
    CustomGradient,
    Device,
    Dtype,
    Free,
    Function,
    HostObject,
    HostTensor,
    Instance,
    Kind,
    Layer,
    Namespace,
    NoneKind,
    Numpy,
    Object,
    Optimizer,
    Scaler,
    Scheduler,
    Shape,
    State,
    Super,
    Tensor,
    Tuple,
    Unknown,
    is_tensor,
    options,
    union,
    without_none,
)
from torch2jax.infer.layers import (
    MODULE_METHODS,
    assign_to_layer,
    is_own,
    lacks,
    layer_attribute,
    united_reads,
)
from torch2jax.infer.program import ClassInfo
from torch2jax.infer.views import attribute_key
from torch2jax.source.nodes import dotted_name, walk

# Attributes of arrays that mean the same on numpy, torch and jax arrays.
_SHARED = {"shape": Shape(), "dtype": Dtype(), "ndim": FREE}


@evaluates(cst.Attribute)
def attribute(frame: Frame, node: cst.Attribute) -> Kind:
    """``x.name``, by what ``x`` may be."""
    looked, frame.looks_only = frame.looks_only, frame.looks_only or node.attr.value in METADATA
    value = frame.eval(node.value)
    frame.looks_only = looked
    _note_old_attribute(frame, node)
    frame.facts.special.pop(node, None)
    name = node.attr.value
    variable = _class_name(node)
    if variable is not None:
        return ClassName(variable)
    if isinstance(node.value, cst.Name):
        narrowed = frame.env.get(f"{node.value.value}.{name}")
        if narrowed is not None:
            union(_read(frame, node, option, name) for option in options(_certain(value)))
            return narrowed.kind
    return _read_all(frame, node, list(options(_certain(value))), name)


# What an array tells without its values: the same whatever was written into it.
METADATA = frozenset("shape dtype ndim device size dim numel is_cuda is_floating_point layout".split())


def _note_old_attribute(frame: Frame, node: cst.Attribute) -> None:
    """Reading ``self.x`` after a write that it should show."""
    name = dotted_name(node)
    held = frame.env.get(attribute_key(name)) if name is not None else None
    if name is not None and not frame.looks_only and len(frame.stack) > 1:
        where = frozenset((("attribute", name),)) | (held.storage if held is not None else frozenset())
        frame.reads.append((node, frame.stack[-2], where))
    if held is not None and held.stale and not frame.looks_only:
        frame.report("T2J105", node, f"`{name}` shares memory with an array that was changed in place before", HINT)


def _read_all(frame: Frame, node: cst.Attribute, alternatives: list[Kind], name: str) -> Kind:
    """An attribute of one of several: all must have it under one name in the output."""
    kinds: list[Kind] = []
    notes: list[Any] = []
    calls: list[Any] = []
    if len(alternatives) > 1:
        alternatives = [option for option in alternatives if not lacks(frame, option, name)] or alternatives
    for option in alternatives:
        frame.facts.special.pop(node, None)
        frame.facts.calls.pop(node, None)
        kinds.append(_read(frame, node, option, name))
        notes.append(frame.facts.special.get(node))
        calls.append(frame.facts.calls.get(node))
    if len(alternatives) > 1:
        united_reads(frame, node, alternatives, calls)
    if len({str(note) for note in notes}) > 1 and len({note[:2] for note in notes if note is not None}) > 1:
        frame.report("T2J107", node, f"`.{name}` has different names in the Flax classes that may stand here")
    known = next((note for note in notes if note is not None), None)
    if known is not None:
        frame.facts.special[node] = known
    return union(kinds)


def _class_name(node: cst.Attribute) -> str | None:
    """The variable in ``m.__class__.__name__`` or ``type(m).__name__``."""
    inner = node.value
    if node.attr.value != "__name__":
        return None
    if isinstance(inner, cst.Attribute) and inner.attr.value == "__class__" and isinstance(inner.value, cst.Name):
        return inner.value.value
    if (
        isinstance(inner, cst.Call)
        and isinstance(inner.func, cst.Name)
        and inner.func.value == "type"
        and len(inner.args) == 1
    ):
        return inner.args[0].value.value if isinstance(inner.args[0].value, cst.Name) else None
    return None


def _certain(kind: Kind) -> Kind:
    return without_none(kind)


def _read(frame: Frame, node: cst.Attribute, kind: Kind, name: str) -> Kind:
    if name == "module" and (inner := unwrapped(frame, node, kind)) is not None:
        return inner
    match kind:
        case Namespace():
            return _in_namespace(frame, node, kind, name)
        case Api(name=qualified):
            return _constant(frame, node, Api(f"{qualified}.{name}"))
        case Tensor(assumed=True) if name in _OF_DICTIONARIES and _is_called(frame, node):
            return BoundApi(FREE, name)
        case Tensor():
            return tensor_attribute(frame, node, kind, name)
        case Dtype():
            return _dtype_attribute(frame, node, kind, name)
        case Instance(cls=cls):
            return instance_attribute(frame, node, cls, kind, name)
        case Super(cls=cls):
            return _super_attribute(frame, cls, name)
        case ClassRef(cls=cls):
            return _class_attribute(frame, cls, name)
        case Layer():
            return layer_attribute(frame, node, kind, name)
        case Container():
            return _container_attribute(frame, node, kind, name)
        case AnyModule():
            return _any_module_attribute(frame, node, name)
        case Tuple(fields=fields) if name in fields:
            frame.facts.special[node] = ("field", fields.index(name))
            return kind.items[fields.index(name)]
        case Object():
            from torch2jax.infer.objects import object_attribute

            return object_attribute(frame, node, kind, name)
        case Device():
            from torch2jax.infer.objects import object_attribute

            return object_attribute(frame, node, Object("torch.device"), name)
        case State():
            from torch2jax.infer.state_entries import state_attribute

            return state_attribute(frame, node, kind, name)
        case Scaler():
            return BoundApi(kind, name)
        case Optimizer() | Scheduler():
            from torch2jax.infer.optimizers import optimizer_attribute, scheduler_attribute

            if isinstance(kind, Scheduler):
                return scheduler_attribute(frame, node, kind, name)
            return optimizer_attribute(frame, node, kind, name)
        case HostObject():
            note_loader_attribute(frame, node, kind, name)
            return host_attribute(frame, kind, name)
        case HostTensor():
            return BoundApi(kind, name) if _is_called(frame, node) else HostTensor(assumed=True)
        case Numpy():
            return BoundApi(kind, name) if _is_called(frame, node) else _SHARED.get(name, NUMPY)
        case Free() | Unknown():
            return _unsettled(frame, node, kind, name)
        case _:
            return BoundApi(kind, name)


_OF_DICTIONARIES = ("items", "keys", "values")
"""What nobody calls on the tensors that `forward` is assumed to take: then it takes a dictionary."""


def _is_called(frame: Frame, node: cst.Attribute) -> bool:
    """Whether an attribute is a method that is called here."""
    return len(frame.stack) > 1 and getattr(frame.stack[-2], "func", None) is node


def _in_namespace(frame: Frame, node: cst.Attribute, kind: Namespace, name: str) -> Kind:
    if kind.file is not None:
        if name in kind.file.names:
            return kind.file.names[name].read(frame.fn)
        inner = frame.program.file_of_module(f"{kind.name}.{name}")
        return Namespace(f"{kind.name}.{name}", inner) if inner is not None else FREE
    if f"{kind.name}.{name}" in NAMESPACES:
        return Namespace(f"{kind.name}.{name}")
    return _constant(frame, node, Api(f"{kind.name}.{name}"))


def _constant(frame: Frame, node: cst.Attribute, kind: Api) -> Kind:
    from torch2jax.infer.expressions import constant_of

    return constant_of(frame, node, kind)


def tensor_attribute(frame: Frame, node: cst.Attribute, kind: Tensor, name: str) -> Kind:
    """``x.shape``, ``x.T``, or a method before its call."""
    from torch2jax.infer.arguments import Arguments
    from torch2jax.infer.rule_calls import apply

    rules = [rule for rule in frame.program.book.lookup(f"torch.Tensor.{name}") if rule.kind == "attribute"]
    if rules:
        if name == "data" and kind.variable:
            frame.facts.special[node] = ("data",)
            frame.program.data_readers.add(frame.fn)
            return replace(kind, detached=frame.facts.special.get(node.value) != ("gradient",))
        if name == "requires_grad" and kind.variable:
            frame.facts.special[node] = ("is_trainable",)
            return BOOL
        if name == "grad" and kind.variable:
            return _gradient(frame, node, kind)
        return apply(frame, node, f"torch.Tensor.{name}", rules, Arguments([], {}), (node.value, kind))
    return BoundApi(kind, name)


def _gradient(frame: Frame, node: cst.Attribute, kind: Tensor) -> Kind:
    """``p.grad``: a Variable like the parameter, where the program has a variable with the gradients."""
    frame.facts.special[node] = ("gradient",)
    message = "torch.Tensor.grad: gradients are results in JAX, not attributes"
    frame.report("T2J103", node, message, "take them from jax.grad or nnx.value_and_grad")
    return replace(kind, detached=False)


def _dtype_attribute(frame: Frame, node: cst.Attribute, kind: Dtype, name: str) -> Kind:
    """``x.dtype.is_floating_point``: NumPy's dtypes have other attributes."""
    from torch2jax.infer.arguments import Arguments
    from torch2jax.infer.rule_calls import apply

    rules = frame.program.book.lookup(f"torch.dtype.{name}")
    if rules:
        return apply(frame, node, f"torch.dtype.{name}", rules, Arguments([], {}), (node.value, kind))
    return BoundApi(kind, name)


def _unsettled(frame: Frame, node: cst.Attribute, kind: Kind, name: str) -> Kind:
    if name == "param_groups":  # nothing but optimizers has that
        from torch2jax.infer.optimizers import optimizer_attribute

        return optimizer_attribute(frame, node, Optimizer(), name)
    if name in _SHARED:
        return _SHARED[name]
    book = frame.program.book
    rules = [rule for rule in book.lookup(f"torch.Tensor.{name}") if rule.kind == "attribute"]
    if rules and (name in book.tensor_only_methods or (name == "data" and is_of_tensor(frame, node))):
        return tensor_attribute(frame, node, Tensor(), name)
    found = _of_project(frame, node, name)
    if found is not None:
        frame.report(
            "T2J202", node, f"assumed that `.{name}` is the one of the project's modules", "annotate the parameter"
        )
        return found
    return FREE if isinstance(kind, Free) else BoundApi(kind, name)


def _of_project(frame: Frame, node: cst.Attribute, name: str) -> Kind | None:
    """The Sequential that modules of the project keep under this name: its translation is indexed otherwise.

    Modules of this file and of those that it imports from count before all others.
    """
    holders = [
        cls
        for cls in frame.program.classes.values()
        if cls.is_module and name in cls.attrs and not isinstance(cls.attrs[name].kind, Free)
    ]
    near = frame.file.known_files()
    holders = [cls for cls in holders if cls.file in near] or holders
    kinds = [cls.attrs[name].read(frame.fn) for cls in holders]
    parent = frame.stack[-2] if len(frame.stack) > 1 else None
    if isinstance(parent, cst.Subscript) and parent.value is node:
        kinds = [kind for kind in kinds if not isinstance(kind, Layer | Instance) or _has_items(kind)]
    if not kinds or not all(isinstance(kind, Container) and kind.type == "Sequential" for kind in kinds):
        return None
    found = union(kinds)
    if not isinstance(found, Unknown):
        return found
    frame.program.heap["project", name].write(AnyModule(), frame.program)
    return Container("Sequential", ("project", name))


def _has_items(kind: Kind) -> bool:
    """Whether a module can be indexed."""
    if not isinstance(kind, Instance):
        return False
    base = kind.cls.module_base or ""
    return base.endswith(("Sequential", "List", "Dict")) or kind.cls.find("__getitem__") is not None


def instance_attribute(frame: Frame, node: cst.Attribute, cls: ClassInfo, kind: Kind, name: str) -> Kind:
    """``self.x``: a method, a property, an attribute some method assigns, or a name of the class body."""
    method = cls.find(name)
    if method is not None:
        if method.is_property:
            from torch2jax.infer.arguments import Arguments
            from torch2jax.infer.calls import call_function

            return call_function(frame, node, method, Arguments([], {}), kind)
        return Function(method, None if method.is_static else kind)
    if cls.is_module and name == "training":
        frame.facts.special[node] = ("training",)
        for each in cls.mro()[-1:]:
            each.reads_training = True
        return BOOL
    owner = cls.attr_owner(name)
    if owner is not None:
        found = owner.attrs[name].read(frame.fn)
        if frame.program.hosting:
            note_leak(frame, node, found, name)
        return found
    for each in cls.mro():
        if name in each.class_names:
            return each.class_names[name].read(frame.fn)
    if cls.is_module:
        base = base_layer(frame.program, cls, frame.fn)
        kept = kept_attribute(frame, cls, base.rule, name) if base is not None and not is_class(base) else None
        if kept is not None:
            return kept
        if name in MODULE_METHODS or name == "__getattr__":
            return BoundApi(kind, name)
        if base is not None:
            return layer_attribute(frame, node, base, name)
        cls.attrs[name].readers.add(frame.fn)
        opened = cls.open_attrs.read(frame.fn)
        if not isinstance(opened, Free):
            return opened
    if name == "__class__":
        return ClassRef(cls)
    mixed = union(_of_descendant(frame, node, each, name) for each in cls.descendants())
    if not isinstance(mixed, Free):
        return mixed
    if cls.is_function and name == "save_for_backward":
        return BoundApi(kind, name)
    if cls.is_function and name in autograd.SAVED:
        return cls.attrs[autograd.SAVED[0]].read(frame.fn)
    if any(not isinstance(base, ClassRef) for base in cls.bases) and not cls.is_module:
        return FREE
    cls.attrs[name].read(frame.fn)
    return FREE


def _of_descendant(frame: Frame, node: cst.Attribute, cls: ClassInfo, name: str) -> Kind:
    """What a class that a mixin is mixed into has under a name that the mixin only reads."""
    known = (
        cls.find(name) is not None
        or cls.attr_owner(name) is not None
        or base_layer(frame.program, cls, frame.fn) is not None
    )
    known = known or (cls.is_module and name == "training") or any(name in each.class_names for each in cls.mro())
    return instance_attribute(frame, node, cls, Instance(cls), name) if known else FREE


def _super_attribute(frame: Frame, cls: ClassInfo, name: str) -> Kind:
    for base in cls.bases:
        if isinstance(base, ClassRef):
            method = base.cls.find(name)
            if method is not None:
                return Function(method, Instance(cls))
    return BoundApi(Super(cls), name)


def _class_attribute(frame: Frame, cls: ClassInfo, name: str) -> Kind:
    method = cls.find(name)
    if cls.is_function and name == "apply" and method is None:
        return CustomGradient(cls)
    if method is not None:
        return Function(method, ClassRef(cls) if method.is_classmethod else None)
    for each in cls.mro():
        if name in each.class_names:
            return each.class_names[name].read(frame.fn)
    return STR if name in ("__name__", "__qualname__", "__module__") else FREE


def _container_attribute(frame: Frame, node: cst.Attribute, kind: Container, name: str) -> Kind:
    if kind.items is not None and kind.names is not None and name in kind.names:
        if kind.type == "Sequential":
            frame.facts.special[node] = ("named_layer", kind.names.index(name))
        return kind.items[kind.names.index(name)]
    return BoundApi(kind, name)


def _any_module_attribute(frame: Frame, node: cst.Attribute, name: str) -> Kind:
    if name in MODULE_METHODS:
        return BoundApi(AnyModule(), name)
    if name == "weight":
        message = (
            "`.weight` is `kernel`, `scale` or `embedding` in Flax, by the class of the layer, which is not known here"
        )
        frame.report("T2J107", node, message, "test the class with isinstance first")
    if name in ("weight", "bias"):
        return Tensor(None, "float", None, True)
    return FREE


# How PyTorch's kernels compute: flags that programs set, and that change no result beyond rounding.
_SETTINGS = ("torch.backends.", "torch._dynamo.config.", "torch._inductor.config.")


def setting_of(frame: Frame, target: cst.Attribute) -> str | None:
    """The name of the flag in ``torch.backends.cudnn.benchmark = True``."""
    from torch2jax.infer.definitions import quiet_kind

    if not isinstance(target.value, cst.Name | cst.Attribute):
        return None
    holder = quiet_kind(frame, target.value)
    if not isinstance(holder, Api | Namespace) or not f"{holder.name}.".startswith(_SETTINGS):
        return None
    return f"{holder.name}.{target.attr.value}"


def assign(frame: Frame, target: cst.Attribute, kind: Kind, value: cst.CSTNode | None, augmented: bool = False) -> None:
    """``obj.name = value``."""
    name = target.attr.value
    setting = setting_of(frame, target)
    if setting is not None:
        frame.facts.special[target] = ("setting", setting)
        return
    base = frame.eval(target.value)
    if isinstance(target.value, cst.Name):
        frame.env.pop(f"{target.value.value}.{name}", None)
    plain = without_none(kind)
    for option in options(without_none(base)):
        inherited = base_layer(frame.program, option.cls, frame.fn) if isinstance(option, Instance) else None
        if inherited is not None and is_class(inherited) and is_own(inherited, name):
            option = inherited
        if isinstance(option, Instance) and option.cls.is_host and value is not None and not frame.program.hosting:
            _assign_own(frame, target, option.cls, name, sent(frame, value, kind), None, augmented)
        elif isinstance(option, Instance):
            _assign_own(frame, target, option.cls, name, kind, value, augmented)
        elif (
            isinstance(option, Layer)
            and isinstance(plain, Tensor)
            and plain.variable
            and isinstance(value, cst.Attribute)
        ):
            _tie(frame, target, option, value)
        elif isinstance(option, Layer):
            assign_to_layer(frame, target, option, kind, value, augmented)
        elif name == "requires_grad" and (isinstance(option, Free | Unknown) or _is_variable(option)):
            frame.facts.special[target] = ("trainable",)
        elif isinstance(option, Tensor):
            _assign_to_tensor(frame, target, option, name, kind, None if augmented else value)
        elif value is not None:
            frame.use(value, kind)
    dotted = dotted_name(target)
    if dotted is not None and not augmented and not isinstance(without_none(base), Tensor):
        variable = isinstance(plain, Tensor) and frame.facts.special.get(target) == ("write_variable",)
        frame.bind_attribute(dotted, Tensor(variable=True) if variable else kind, value)


def _is_variable(kind: Kind) -> bool:
    return isinstance(kind, Tensor) and kind.variable


def _tie(frame: Frame, target: cst.Attribute, layer: Layer, value: cst.Attribute) -> None:
    """``self.head.weight = self.embed.weight``: one Variable for two layers."""
    other = without_none(frame.facts.kinds.get(value.value, UNKNOWN))
    embeds = [layer.flax == "nnx.Embed", isinstance(other, Layer) and other.flax == "nnx.Embed"]
    cls = frame.cls
    if embeds.count(True) == 1 and cls is not None:
        linear, embedding = (value.value, target.value) if embeds[0] else (target.value, value.value)
        head = other if embeds[0] else layer
        biased = not (isinstance(head, Layer) and head.unbiased)
        empty = cst.Module([])
        sometimes = frame.branches > 0
        tie = (empty.code_for_node(embedding), biased, sometimes)
        if cls.tied.get(empty.code_for_node(linear)) != tie:
            cls.tied[empty.code_for_node(linear)] = tie
            frame.program.dirty.update(method for each in cls.mro() for method in each.methods.values())
        frame.facts.special[target] = ("tied", linear, embedding, biased, sometimes)
        if embeds[0] and not _initialises(frame.fn.node):
            frame.report(
                "T2J205",
                target,
                "the shared matrix starts as an embedding does, in PyTorch as a linear layer does",
                "pass `embedding_init=` to nnx.Embed",
            )
        return
    layer_attribute(frame, target, layer, target.attr.value)


def _initialises(function: cst.CSTNode) -> bool:
    """Whether a constructor gives its parameters initial values of its own: ``self.apply(self._init_weights)``."""
    called = [part.func for part in walk(function) if isinstance(part, cst.Call)]
    names = [func.attr.value for func in called if isinstance(func, cst.Attribute)]
    return any(name == "apply" or "init" in name or name.endswith("_") for name in names if name != "__init__")


def _assign_to_tensor(
    frame: Frame, target: cst.Attribute, tensor: Tensor, name: str, kind: Kind, value: cst.CSTNode | None
) -> None:
    if value is not None:
        frame.use(value, kind, tensor.layout if name in ("data", "grad") and tensor.variable else None)
    if name == "data":
        frame.facts.special[target] = ("write_data", tensor.variable)
        if tensor.variable:
            aliasing.note_filled(frame, target.value, value)
        else:
            aliasing.note_replaced(frame, target, target.value)
        if isinstance(target.value, cst.Name) and not tensor.variable:
            frame.bind(target.value.value, replace(tensor, layout=None), target.value, value)
        elif (dotted := dotted_name(target.value)) is not None and not isinstance(target.value, cst.Name):
            frame.bind_attribute(dotted, tensor, value)
    elif name == "requires_grad" and isinstance(value, cst.Name) and value.value == "True":
        frame.report("T2J301", target, "`.requires_grad = True` of an array has no meaning in JAX and is dropped")
        frame.facts.special[target] = ("not_assigned",)
    elif name in ("requires_grad", "grad"):
        frame.report(
            "T2J108",
            target,
            f"assignment to `.{name}` of an array",
            "differentiate a function of the array with jax.grad",
        )
        held = name == "grad" and tensor.variable and not any(isinstance(o, NoneKind) for o in options(kind))
        frame.facts.special[target] = ("write_gradient",) if held else ("flagged",)


def _assign_own(
    frame: Frame,
    target: cst.Attribute,
    cls: ClassInfo,
    name: str,
    kind: Kind,
    value: cst.CSTNode | None,
    augmented: bool,
) -> None:
    owner = cls.attr_owner(name) or cls
    previous = owner.attrs[name].kind if name in owner.attrs else FREE
    if value is not None:
        if isinstance(without_none(kind), Tensor) and not without_none(kind).variable:  # type: ignore[attr-defined]
            kind = frame.use(value, kind)
        elif not is_tensor(kind):
            from torch2jax.infer.arguments import take

            take(frame, value, kind)
    held = [k for k in options(previous) if isinstance(k, Tensor) and k.variable]
    writes_variable = bool(held) and isinstance(kind, Tensor) and not kind.variable
    if cls.is_module and (writes_variable or (augmented and held)):
        frame.facts.special[target] = ("write_variable",)
        kind = replace(held[0], layout=None)
    elif cls.is_module:
        frame.facts.special.pop(target, None)
        if isinstance(kind, Tensor) and kind.variable and not isinstance(value, cst.Call):
            frame.facts.special[target] = ("share",)
    if value is not None and frame.facts.special.get(value) == ("buffer",):
        owner.buffers.add(name)
    owner.attrs[name].write(widen_attribute(kind), frame.program)
    owner.attrs[name].read(frame.fn)
    owner.assigned.add(name)
    if frame.fn.name != "__init__" and not isinstance(kind, NoneKind):
        owner.assigned_later.add(name)


def widen_attribute(kind: Kind) -> Kind:
    """Attributes keep constants only where every assignment agrees; the join sees to that."""
    return kind
