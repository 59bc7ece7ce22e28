"""Attributes and methods of torch's layers: state, what the rules say of the rest, and what programs add to layers."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.arguments import Arguments, take
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    NONE,
    BoundApi,
    Free,
    Kind,
    Layer,
    NoneKind,
    Sequence,
    Shape,
    Tensor,
    Tuple,
    Unknown,
    join,
    options,
    without_none,
)
from torch2jax.infer.layout import Layout, normal
from torch2jax.infer.rule_calls import apply
from torch2jax.rules.attributes import assignable, is_difference, is_plain, is_read
from torch2jax.rules.model import Rule, StateEntry

# Methods that every module of torch has.
MODULE_METHODS = frozenset(
    "parameters named_parameters modules named_modules children named_children buffers named_buffers apply train eval "
    "to cuda cpu float double half bfloat16 type state_dict load_state_dict zero_grad requires_grad_ register_buffer "
    "register_parameter add_module register_module register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_backward_hook get_submodule get_parameter forward append extend "
    "insert pop keys values items share_memory extra_repr __call__ __init__ update clear _get_name".split()
)
_SAME_NAME = ("weight_", "bias_", "in_proj", "out_proj", "running_", "q_proj", "k_proj", "v_proj")


def layer_attribute(frame: Frame, node: cst.Attribute, layer: Layer, name: str) -> Kind:
    """``self.conv.weight``: the flax variable under its own name; ``self.conv.stride``: what the rule says."""
    frame.facts.calls.pop(node, None)
    if name in MODULE_METHODS:
        return BoundApi(layer, name)
    entry = state_entry(layer, name)
    if entry is not None:
        frame.facts.special[node] = ("state", entry.flax)
        rank = 1 if name == "bias" else 2 if entry.ops == ("T",) else entry.rank
        layout = None if _is_tied(frame, node.value) else _layout(entry, rank)
        return _maybe_absent(layer, name, Tensor(rank, "float", layout, True))
    rule = layer.rule.attribute(name)
    if rule is not None and is_read(rule):
        kind = apply(frame, node, rule.name, [rule], Arguments([], {}), (node.value, layer))
        return FREE if rule.result is None else kind
    if name in ("weight", "bias") or name.startswith(_SAME_NAME):
        rank = 1 if name.startswith("bias") else None
        return _maybe_absent(layer, name, Tensor(rank, "float", None, True))
    if method_rules(frame, layer, name):
        return BoundApi(layer, name)
    added = _added(frame, name)
    if isinstance(added, Free) and not name.startswith("__"):
        frame.report("T2J101", node, f"{layer.name}.{name} has no translation", _hint(layer))
    return added


def _hint(layer: Layer) -> str:
    return "keep the value that the layer is built with in an attribute of your own" if layer.rule.params else ""


def method_rules(frame: Frame, layer: Layer, name: str) -> list[Rule]:
    """The rules for calling a method that only this layer has, such as ``nn.LSTM.flatten_parameters``."""
    for owner in layer.rule.names:
        rules = [rule for rule in frame.program.book.lookup(f"{owner}.{name}") if rule.kind == "rule"]
        if rules:
            return rules
    return []


def has_own_method(frame: Frame, layer: Layer, name: str) -> bool:
    """Whether a rule translates a method of this layer, although others have one of the same name (``update``)."""
    return any(branch.template is not None for rule in method_rules(frame, layer, name) for branch in rule.branches)


def call_layer_method(frame: Frame, node: cst.Call, layer: Layer, name: str, arguments: Arguments) -> Kind | None:
    """``self.rnn.flatten_parameters()`` by its rule; None if there is none."""
    rules = method_rules(frame, layer, name)
    if not rules or not isinstance(node.func, cst.Attribute):
        return None
    return apply(frame, node, f"{layer.name}.{name}", rules, arguments, (node.func.value, layer))


def _layout(entry: StateEntry, rank: int | None) -> Layout:
    """The axis order in which flax keeps an array of the layer."""
    if rank is None or not entry.ops:
        return None
    axes = tuple(range(rank))
    for op in entry.ops:
        axes = axes[::-1] if op == "T" else tuple(axes[axis] for axis in op[1])
    return normal(axes)


def _is_tied(frame: Frame, node: cst.BaseExpression) -> bool:
    """Whether an expression names an output layer whose matrix is an embedding's, in torch's order."""
    if frame.cls is None:
        return False
    spelled = cst.Module([]).code_for_node(node)
    return any(spelled in cls.tied and not cls.tied[spelled][2] for cls in frame.cls.mro())


def _maybe_absent(layer: Layer, name: str, kind: Tensor) -> Kind:
    """A bias is None in a layer that was built without one."""
    optional = name == "bias" and not layer.biased and any(param.name == "bias" for param in layer.rule.params)
    return join(kind, NONE) if optional else kind


def state_entry(layer: Layer, name: str) -> StateEntry | None:
    """The rule's state entry for a name of torch's layer."""
    state = layer.rule.state
    if state is None:
        return None
    return next((entry for entry in state.entries if entry.torch == name), None)


def lacks(frame: Frame, kind: Kind, name: str) -> bool:
    """Whether a layer of torch has no such attribute, so that it can't be the one that stands where it is read."""
    if not isinstance(kind, Layer) or name.startswith("__") or not isinstance(_added(frame, name), Free):
        return False
    known = {param.name for param in kind.rule.params} | {"weight", "bias", "training", *MODULE_METHODS}
    return (
        name not in known
        and not name.startswith(_SAME_NAME)
        and state_entry(kind, name) is None
        and kind.rule.attribute(name) is None
        and not method_rules(frame, kind, name)
    )


def _added(frame: Frame, name: str) -> Kind:
    return frame.program.added_attributes[name].read(frame.fn)


def united_reads(frame: Frame, node: cst.Attribute, kinds: list[Kind], calls: list[Any]) -> None:
    """One translation for an attribute that each of several things has by its rule, if they allow one."""
    found = [fact for fact in calls if isinstance(fact, RuleCall)]
    if not found:
        return
    own = [fact for fact in found if is_read(fact.rule)]
    templates = [fact.choice.branch.template for fact in own or found]
    others = [k for k, f in zip(kinds, calls, strict=True) if f not in own and not isinstance(k, Free | Unknown)]
    same_name = ("attr", ("param", "flax"), node.attr.value)
    if any(template != templates[0] for template in templates) or (own and others and templates[0] != same_name):
        frame.report(
            "T2J107", node, f"`.{node.attr.value}` is read otherwise in each of the Flax classes that may stand here"
        )
        return
    if own and others:  # each has the attribute under this name
        frame.facts.calls.pop(node, None)
    else:
        frame.facts.calls[node] = found[0]


def is_own(layer: Layer, name: str) -> bool:
    """Whether torch's layer itself has an attribute of this name, which a derived class then only changes."""
    return state_entry(layer, name) is not None or layer.rule.attribute(name) is not None


def assign_to_layer(
    frame: Frame, target: cst.Attribute, layer: Layer, kind: Kind, value: cst.CSTNode | None, augmented: bool
) -> None:
    """``conv.weight = x``, ``conv.stride = (1, 1)``, ``conv.bias = None``, ``conv.tag = "last"``."""
    name = target.attr.value
    plain = without_none(kind)
    if state_entry(layer, name) is not None or isinstance(_variable(layer, name), Tensor):
        held = without_none(layer_attribute(frame, target, layer, name))
        note = frame.facts.special.get(target, ("state", name))
        if isinstance(kind, NoneKind):
            frame.facts.special[target] = ("take_away", note[1])
            return
        frame.facts.special[target] = (*note, "write")
        if value is not None and not augmented and not (isinstance(plain, Tensor) and plain.variable):
            frame.use(value, kind, held.layout if isinstance(held, Tensor) else None)
        return
    frame.facts.calls.pop(target, None)
    rule = layer.rule.attribute(name)
    if value is not None:
        take(frame, value, kind)
    if rule is not None and is_read(rule):
        _assign_attribute(frame, target, rule, kind, augmented)
        return
    frame.facts.special.pop(target, None)
    frame.program.added_attributes[name].write(kind, frame.program)
    frame.program.added_attributes[name].read(frame.fn)


def _variable(layer: Layer, name: str) -> Kind | None:
    if layer.rule.attribute(name) is None and (name in ("weight", "bias") or name.startswith(_SAME_NAME)):
        return Tensor()
    return None


def _assign_attribute(frame: Frame, target: cst.Attribute, rule: Rule, kind: Kind, augmented: bool) -> None:
    """An attribute that is one of the flax object is written there; the value must have the form that torch keeps."""
    template = rule.branches[-1].template
    assert template is not None
    flax = assignable(template)
    difference = flax is not None and is_difference(template)
    in_form = is_plain(template) or difference or all(_is_several(option) for option in options(kind))
    if flax is None or not in_form or (augmented and not is_plain(template)) or isinstance(kind, NoneKind):
        what = "can't be set" if flax is None else "can be set to a tuple only" if not augmented else "can't be changed"
        frame.report("T2J103", target, f"{rule.name} {what} in Flax", "build the layer with the value that it needs")
        frame.facts.special.pop(target, None)
        return
    frame.facts.special[target] = ("attribute", flax, template[3] if template[0] == "if" else template)


def _is_several(kind: Kind) -> bool:
    return isinstance(kind, Tuple | Sequence | Shape)
