"""Tests: what they say of the names in them, and whether they read an array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.class_tests import check_classes, listed
from torch2jax.infer.frame import Frame, Value
from torch2jax.infer.kinds import (
    FREE,
    NONE,
    UNKNOWN,
    AnyModule,
    Api,
    Choice,
    ClassName,
    Kind,
    Layer,
    NoneKind,
    Tensor,
    is_tensor,
    options,
    union,
    without_none,
)
from torch2jax.infer.rule_layers import default_layer
from torch2jax.infer.selectors import CALLED, is_called
from torch2jax.source.nodes import dotted_name, walk


def condition(frame: Frame, test: cst.BaseExpression, kind: Kind, what: str) -> None:
    """A test on data: works, but only outside jit."""
    if any(isinstance(option, Tensor) for option in options(kind)) and is_tensor(kind):
        frame.read(test, kind)
        if not isinstance(frame.fn.node, cst.Module):
            frame.report(
                "T2J203",
                test,
                f"this {what} depends on values of an array, so the function can't run under jax.jit",
                "call it outside jit, or rewrite the branch with jnp.where or lax.cond",
            )


def decided_test(special: Mapping[cst.CSTNode, Any], test: cst.BaseExpression) -> bool | None:
    """Whether a test has one answer wherever the translation runs: what PyTorch has does not change.

    ``special`` is what was noted of the nodes of the function.
    """
    note = special.get(test)
    if note is not None and note[0] == "decided":
        return bool(note[1])
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        inner = decided_test(special, test.expression)
        return None if inner is None else not inner
    if isinstance(test, cst.BooleanOperation):
        settling = isinstance(test.operator, cst.Or)
        left, right = (decided_test(special, side) for side in (test.left, test.right))
        calls = any(isinstance(part, cst.Call) for part in walk(test.left))
        if left is settling or (right is settling and not (left is None and calls)):
            return settling
        return right if left is not None else None
    return None


def narrow(frame: Frame, test: cst.BaseExpression, truth: bool) -> None:
    """What a test that came out true (or false) says of the names in it."""
    if truth and _narrow_type(frame, test):
        return
    if truth and (_narrow_class_name(frame, test) or _narrow_choice(frame, test)):
        return
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        narrow(frame, test.expression, not truth)
    elif isinstance(test, cst.BooleanOperation):
        if isinstance(test.operator, cst.And) == truth:
            narrow(frame, test.left, truth)
            narrow(frame, test.right, truth)
    elif isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        target = test.comparisons[0]
        if isinstance(target.comparator, cst.Name) and target.comparator.value == "None":
            is_none = isinstance(target.operator, cst.Is | cst.Equal) == truth
            _narrow_none(frame, test.left, is_none)
    elif isinstance(test, cst.Name | cst.Attribute) and truth:
        _narrow_none(frame, test, False)
    elif truth and isinstance(test, cst.Call) and isinstance(test.func, cst.Name) and test.func.value == "isinstance":
        if len(test.args) != 2 or not isinstance(test.args[0].value, cst.Name):
            return
        _narrow_instance(frame, test.args[0].value.value, frame.facts.kinds.get(test.args[1].value, UNKNOWN))
    elif isinstance(test, cst.Call):
        _narrow_callable(frame, test, truth)


def _narrow_callable(frame: Frame, test: cst.Call, truth: bool) -> None:
    """``callable(x)`` and ``inspect.isfunction(x)``."""
    tested = frame.facts.kinds.get(test.func)
    match test.args:
        case [cst.Arg(value=cst.Name(value=name), star="", keyword=None)] if isinstance(tested, Api):
            value = frame.env.get(name)
            if value is None or tested.name not in CALLED:
                return
            left = [kind for kind in options(value.kind) if is_called(kind, tested.name) in (truth, None)]
            if left:
                frame.env[name] = replace(value, kind=union(left))


def _narrow_class_name(frame: Frame, test: cst.BaseExpression) -> bool:
    """``"Conv" in name``, ``name.find("Conv") != -1``, ``name == "Linear"`` of a class's name; several with ``or``."""
    tests = {part: _class_name_test(frame, part) for part in _either(test)}
    found = {part: each for part, each in tests.items() if each is not None}
    if len(found) < len(tests) or len({kind for kind, _, _ in found.values()}) != 1:
        return False
    variable = next(iter(found.values()))[0].variable
    frame.program.layer_readers.add(frame.fn)
    layers: dict[str, Layer] = {}
    for part, (_, text, exact) in found.items():
        layers |= _named_so(frame, variable, part, text, exact) or _of_torch(frame, text)
    value = frame.env.get(variable)
    if value is not None:
        frame.env[variable] = replace(value, kind=union(layers.values()) if layers else AnyModule())
    return True


def _of_torch(frame: Frame, text: str) -> dict[str, Layer]:
    """The layer of torch that a test is about where the project has none of that name: it has that one's arrays."""
    for name in (text, f"{text}2d"):
        rules = frame.program.book.lookup(f"torch.nn.{name}")
        if rules and rules[-1].result == "Module" and rules[-1].branches[-1].template is not None:
            return {name: default_layer(rules[-1])}
    return {}


def _named_so(frame: Frame, variable: str, test: cst.BaseExpression, text: str, exact: bool) -> dict[str, Layer]:
    """The project's layers whose names a test matches; where those of Flax do not match, it becomes a test of class."""

    def matches(name: str) -> bool:
        return name == text if exact else text in name

    known = frame.program.layers
    layers = {name: layer for name, layer in known.items() if matches(name)}
    classes = {layer.flax for layer in layers.values() if layer.flax.rpartition(".")[2][:1].isupper()}
    others = {layer.flax for name, layer in known.items() if name not in layers}
    names = {flax.rpartition(".")[2] for flax in classes}
    wrong = {flax.rpartition(".")[2] for flax in others} - names
    frame.facts.special.pop(test, None)
    if all(matches(name) for name in names) and not any(matches(name) for name in wrong):
        return layers
    if classes and not classes & others and isinstance(test, cst.Comparison):
        frame.facts.special[test] = ("isinstance", variable, tuple(sorted(layers)))
    else:
        message = f'the class names that "{text}" matches are others in Flax'
        frame.report("T2J204", test, message, "use isinstance instead")
    return layers


def _either(test: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """The tests of which one must be true."""
    if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.Or):
        yield from _either(test.left)
        yield from _either(test.right)
    else:
        yield test


def _narrow_type(frame: Frame, test: cst.BaseExpression) -> bool:
    """``type(m) == nn.Linear``, with ``is`` and ``in`` as well."""
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
        return False
    target = test.comparisons[0]
    left = test.left
    if not isinstance(target.operator, cst.Equal | cst.Is | cst.In) or not isinstance(left, cst.Call):
        return False
    if not isinstance(left.func, cst.Name) or left.func.value != "type" or len(left.args) != 1:
        return False
    check_classes(frame, target.comparator)
    subject = left.args[0].value
    if isinstance(subject, cst.Name):
        _narrow_instance(frame, subject.value, listed(frame, target.comparator))
    return True


def _narrow_choice(frame: Frame, test: cst.BaseExpression) -> bool:
    """``kind in ("LSTM", "GRU")`` and ``kind == "LSTM"``: the string is one of those."""
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1 or not isinstance(test.left, cst.Name):
        return False
    target = test.comparisons[0]
    listed = target.comparator
    if isinstance(target.operator, cst.Equal):
        elements: list[cst.BaseExpression] = [listed]
    elif isinstance(target.operator, cst.In) and isinstance(listed, cst.Tuple | cst.List | cst.Set):
        elements = [element.value for element in listed.elements]
    else:
        return False
    if not elements or not all(isinstance(element, cst.SimpleString) for element in elements):
        return False
    value = frame.env.get(test.left.value)
    if value is not None:
        values = tuple(str(e.evaluated_value) for e in elements if isinstance(e, cst.SimpleString))
        frame.env[test.left.value] = replace(value, kind=Choice(values))
    return True


def _class_name_test(frame: Frame, test: cst.BaseExpression) -> tuple[ClassName, str, bool] | None:
    if isinstance(test, cst.Call) and isinstance(test.func, cst.Attribute) and test.func.attr.value == "startswith":
        subject, text, exact = test.func.value, test.args[0].value if test.args else test, False
    elif isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        target = test.comparisons[0]
        left, right = test.left, target.comparator
        if (
            isinstance(left, cst.Call)
            and isinstance(left.func, cst.Attribute)
            and left.func.attr.value == "find"
            and left.args
        ):
            if not isinstance(target.operator, cst.NotEqual | cst.GreaterThanEqual | cst.GreaterThan):
                return None
            subject, text, exact = left.func.value, left.args[0].value, False
        elif isinstance(target.operator, cst.In):
            subject, text, exact = right, left, False
        elif isinstance(target.operator, cst.Equal):
            subject, text, exact = left, right, True
        else:
            return None
    else:
        return None
    kind = frame.facts.kinds.get(subject)
    if not isinstance(kind, ClassName) or not isinstance(text, cst.SimpleString):
        return None
    return kind, str(text.evaluated_value), exact


def _narrow_none(frame: Frame, test: cst.BaseExpression, is_none: bool) -> None:
    name = dotted_name(test)
    if name is None:
        return
    value = frame.env.get(name)
    if value is None and isinstance(test, cst.Attribute) and test in frame.facts.kinds:
        value = Value(frame.facts.kinds[test])
    if value is None:
        return
    if not is_none:
        known = without_none(value.kind)  # None alone: nothing is known yet of what else it may be
        frame.env[name] = replace(value, kind=FREE if isinstance(known, NoneKind) else known)
    elif any(isinstance(option, NoneKind) for option in options(value.kind)):
        frame.env[name] = replace(value, kind=NONE)


def _narrow_instance(frame: Frame, name: str, classes: Kind) -> None:
    from torch2jax.infer.calls import instances_of

    value = frame.env.get(name)
    if value is None:
        return
    narrowed = instances_of(frame, classes)
    if narrowed is not None:
        current = [k for k in options(value.kind) if _among(k, narrowed)]
        frame.env[name] = replace(value, kind=union(current) if current else narrowed)


def _among(kind: Kind, allowed: Kind) -> bool:
    if isinstance(kind, Tensor):
        return any(isinstance(option, Tensor) for option in options(allowed))
    return any(
        type(kind) is type(o) and getattr(kind, "name", None) == getattr(o, "name", None) for o in options(allowed)
    )
