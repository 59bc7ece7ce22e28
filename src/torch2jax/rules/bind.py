"""Bind the arguments of a torch call to a rule's signature.

Annotations take part: an argument whose known type contradicts one is a mismatch. That tells overloads apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import libcst as cst

from torch2jax.rules import expr as ex
from torch2jax.rules.model import UNKNOWN, Call, Param, Rule

__all__ = ["UNKNOWN", "Arg", "Bound", "BoundArg", "Mismatch", "bind"]


@dataclass(slots=True)
class Arg:
    """An argument of a call and what is known of it.

    `value` is the Python value where it is known; `type` is one of int, float, bool, complex, str, none, tuple, list,
    dict, shape, tensor, dtype, device, module, function (or class, of the program), callable (any other), optimizer,
    scheduler (None: unknown); `length` counts the items of a sequence; `dtype` is a name or a category; `starred`
    marks `*node`; `keyword` is set by `bind` for what goes to `**kwargs`.
    """

    node: cst.BaseExpression
    value: object = UNKNOWN
    type: str | None = None
    rank: int | None = None
    dtype: str | None = None
    length: int | None = None
    starred: bool = False
    keyword: str | None = None


@dataclass(slots=True)
class BoundArg:
    """A parameter and what the call gives it: `arg` (None: its default), or the `items` of `*args` or `**kwargs`."""

    param: Param
    arg: Arg | None = None
    explicit: bool = False
    items: tuple[Arg, ...] | None = None

    @property
    def whole(self) -> Arg | None:
        """The one argument that stands for the parameter, also for `*shape` given as one sequence."""
        if self.items is None:
            return self.arg
        sole = self.items[0] if len(self.items) == 1 else None
        takes_both = self.param.kind == "var_pos" and self.param.annotation in _SPREAD
        return sole if sole and (sole.starred or (takes_both and _is_sequence(sole))) else None

    @property
    def value(self) -> object:
        """The Python value, or UNKNOWN."""
        whole = self.whole
        if whole is not None:
            return whole.value
        if self.items is not None:
            if self.ambiguous or self.param.kind == "var_kw":
                return UNKNOWN
            values = tuple(item.value for item in self.items)
            starred = any(item.starred for item in self.items)
            return UNKNOWN if starred or any(value is UNKNOWN for value in values) else values
        return ex.literal(self.param.default) if self.param.default is not None else UNKNOWN

    @property
    def type(self) -> str | None:
        """The type's name, or None."""
        whole = self.whole
        if whole is not None:
            return whole.type or (_type_name(whole.value) if whole.value is not UNKNOWN else None)
        if self.items is not None:
            return None if self.ambiguous else "dict" if self.param.kind == "var_kw" else "tuple"
        return None if self.value is UNKNOWN else _type_name(self.value)

    @property
    def rank(self) -> int | None:
        """Number of axes, if known."""
        return self.arg.rank if self.arg is not None else None

    @property
    def dtype(self) -> str | None:
        """Name or category of the dtype, if known."""
        return self.arg.dtype if self.arg is not None else None

    @property
    def length(self) -> int | None:
        """Number of items, if known."""
        whole = self.whole
        if whole is not None:
            return len(whole.value) if isinstance(whole.value, (tuple, list, str, dict)) else whole.length
        if self.items is not None:
            starred = any(item.starred for item in self.items)
            return None if starred or self.ambiguous else len(self.items)
        value = self.value
        return len(value) if isinstance(value, (tuple, list, str, dict)) else None

    @property
    def is_default(self) -> bool:
        """Whether the argument surely has the value of the parameter's default."""
        if self.param.kind in ("var_pos", "var_kw"):
            return not self.explicit
        value = self.value
        default = ex.literal(self.param.default) if self.param.default is not None else UNKNOWN
        if default is None and self.type == "none":
            return True
        return value is not UNKNOWN and default is not UNKNOWN and bool(value == default)

    @property
    def ambiguous(self) -> bool:
        """Whether `*shape` has one item that may be a single size or the whole tuple."""
        if self.items is None or len(self.items) != 1 or self.param.annotation not in _SPREAD:
            return False
        sole = self.items[0]
        return not sole.starred and sole.type is None and sole.value is UNKNOWN


@dataclass(slots=True)
class Bound:
    """Arguments by parameter name, in the order of the signature; `order`: the explicit ones as the source has them.

    assumed: what was taken for granted against what is known of the arguments, such as "`p` is int".
    """

    args: dict[str, BoundArg]
    order: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why the arguments do not fit the signature."""

    reason: str


# NumPy-style spellings that torch's own parser takes for every function.
ALIASES: Final = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}

# Types that an annotation takes; annotations that are missing here take anything.
_ACCEPTS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(types.split())
    for name, types in {
        "Tensor": "tensor",
        "Image": "tensor",
        "Tensors": "tuple list",
        "Scalar": "int float bool complex tensor",
        "Axis": "int tuple list shape",
        "Shape": "int tuple list shape tensor",
        "Dtype": "dtype callable function type",
        "Device": "device str int none",
        "Inplace": "bool int",
        "Out": "tensor tuple list none",
        "int": "int bool",
        "float": "float int bool",
        "bool": "bool",
        "str": "str",
        "Pattern": "str",
        "Callable": "callable function module type",
        "Module": "module callable function",
        "Optimizer": "optimizer",
        "Scheduler": "scheduler",
    }.items()
}
# Types that PyTorch itself refuses for these annotations: an argument that seems to be one is something else, or the
# call is never reached.
_IMPOSSIBLE: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("int", "float", "bool"), frozenset({"tensor", "module", "callable", "function", "dict"})),
    "str": frozenset({"tensor", "module", "dict"}),
    "Tensors": frozenset({"tensor"}),
    "Device": frozenset({"tensor", "module", "callable", "function", "dict"}),
}
_KNOWN_TYPES: Final = frozenset(
    {
        "int", "float", "bool", "complex", "str", "none", "tuple", "list", "dict", "shape", "tensor", "dtype",
        "device", "module", "callable", "function", "type", "optimizer", "scheduler",
    }
)  # fmt: skip
_IN_WORDS: Final = {"Tensors": "a list or tuple of tensors", "Device": "a device"}
_SEQUENCES: Final = frozenset({"tuple", "list", "shape"})
_SPREAD: Final = frozenset({"Shape", "Axis", "Tensors", "Tensor"})


@dataclass(slots=True)
class _Binder:
    params: Sequence[Param]
    bound: dict[str, BoundArg] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def note(self, name: str, bound: BoundArg) -> None:
        self.bound[name] = bound
        if name not in self.order:
            self.order.append(name)


def bind(
    rule: Rule | Call,
    positional: Sequence[Arg],
    keywords: Mapping[str, Arg],
    star: Arg | None = None,
    double_star: Arg | None = None,
    *,
    doubting: bool = False,
) -> Bound | Mismatch:
    """Bind a call. `star` is `*args` behind the positional arguments; starred `Arg`s may also stand among them.

    For a method the receiver is the first positional argument.
    doubting: an argument of a type that PyTorch would refuse is no mismatch, but `assumed` to be of another.
    """
    arguments = list(positional)
    if star is not None:
        arguments.append(replace(star, starred=True))
    binder = _Binder(rule.params)
    reason = _bind_positional(binder, _spread_literals(arguments)) or _bind_keywords(binder, keywords, double_star)
    if reason:
        return Mismatch(reason)
    args: dict[str, BoundArg] = {}
    assumed: list[str] = []
    for param in rule.params:
        found = binder.bound.get(param.name)
        if found is None:
            if param.required:
                return Mismatch(f"argument `{param.name}` is missing")
            found = BoundArg(param, items=() if param.kind in ("var_pos", "var_kw") else None)
        reason = _contradiction(found)
        if reason and doubting and _is_impossible(found):
            assumed.append(f"`{param.name}` is {_IN_WORDS.get(param.annotation or '', param.annotation)}")
            found = replace(found, arg=replace(found.arg, type=None)) if found.arg is not None else found
        elif reason:
            return Mismatch(reason)
        args[param.name] = found
    return Bound(args, tuple(binder.order), tuple(assumed))


def _spread_literals(arguments: Sequence[Arg]) -> list[Arg]:
    """`*(2, 3)` is `2, 3`."""
    spread: list[Arg] = []
    for arg in arguments:
        value = arg.value
        if arg.starred and isinstance(arg.node, (cst.Tuple, cst.List)) and isinstance(value, (tuple, list)):
            elements = arg.node.elements
            if len(elements) == len(value) and all(isinstance(element, cst.Element) for element in elements):
                spread += [
                    Arg(element.value, item, _type_name(item)) for element, item in zip(elements, value, strict=True)
                ]
                continue
        spread.append(arg)
    return spread


def _bind_positional(binder: _Binder, arguments: Sequence[Arg]) -> str:
    """Bind the positional arguments; the reason if they do not fit."""
    rest = list(arguments)
    for param in binder.params:
        if not rest:
            return ""
        if param.kind == "var_pos":
            binder.note(param.name, BoundArg(param, explicit=True, items=tuple(rest)))
            return ""
        if param.kind not in ("pos", "pos_only"):
            break
        if rest[0].starred:
            return _starred_reason(rest[0], param)
        binder.note(param.name, BoundArg(param, rest.pop(0), explicit=True))
    if not rest:
        return ""
    if rest[0].starred:
        return f"`*{_code(rest[0])}` has no parameter to go to"
    most = sum(param.kind in ("pos", "pos_only") for param in binder.params)
    return f"takes at most {most} positional arguments, {len(arguments)} are given"


def _starred_reason(arg: Arg, param: Param) -> str:
    return f"`*{_code(arg)}` may hold any number of arguments: the one for `{param.name}` can't be told"


def _bind_keywords(binder: _Binder, keywords: Mapping[str, Arg], double_star: Arg | None) -> str:
    by_name = {param.name: param for param in binder.params}
    catch_all = next((param for param in binder.params if param.kind == "var_kw"), None)
    for keyword, arg in keywords.items():
        param = _named(keyword, by_name)
        if param is None:
            if catch_all is None:
                return f"has no parameter `{keyword}`"
            _add_keyword(binder, catch_all, replace(arg, keyword=keyword))
            continue
        if param.name in binder.bound:
            return f"argument `{param.name}` is given twice"
        if param.kind == "var_pos":
            binder.note(param.name, BoundArg(param, explicit=True, items=(arg,)))
        else:
            binder.note(param.name, BoundArg(param, arg, explicit=True))
    if double_star is not None:
        if catch_all is None:
            return f"`**{_code(double_star)}` may hold any arguments: write them out"
        _add_keyword(binder, catch_all, replace(double_star, starred=True))
    return ""


def _add_keyword(binder: _Binder, catch_all: Param, arg: Arg) -> None:
    previous = binder.bound.get(catch_all.name)
    items = previous.items or () if previous else ()
    binder.note(catch_all.name, BoundArg(catch_all, explicit=True, items=(*items, arg)))


def _named(keyword: str, by_name: Mapping[str, Param]) -> Param | None:
    """The parameter a keyword means: by its name, by a NumPy-style alias, `self` for a function's first tensor."""
    for name in (keyword, ALIASES.get(keyword, keyword)):
        param = by_name.get(name)
        if param is None and name in ("input", "self"):
            param = by_name.get("self" if name == "input" else "input")
        if param is not None and param.kind not in ("pos_only", "var_kw"):
            return param
    return None


def _contradiction(bound: BoundArg) -> str:
    """Why an explicit argument can't be what its parameter's annotation says; empty if it can."""
    param = bound.param
    flag = {"IsTrue": True, "IsFalse": False}.get(param.annotation or "")
    if flag is not None and bound.value is not flag:
        return f"`{param.name}` is not {flag}"
    accepted = _ACCEPTS.get(param.annotation or "")
    if accepted is None or not bound.explicit:
        return ""
    if bound.items is not None:
        many = accepted | (_SEQUENCES if param.annotation in _SPREAD and len(bound.items) == 1 else frozenset())
        if len(bound.items) > 1 and param.annotation in _SPREAD:
            many = (many - _SEQUENCES) | (frozenset({"tensor"}) if param.annotation == "Tensors" else frozenset())
        elif param.annotation == "Tensors":
            many = many | {"tensor"}
        return next((reason for item in bound.items if not item.starred for reason in _check(item, param, many)), "")
    if bound.arg is None:
        return ""
    return next(iter(_check(bound.arg, param, accepted)), "")


def _is_impossible(bound: BoundArg) -> bool:
    """Whether PyTorch would refuse what seems to be given."""
    arg = bound.arg
    impossible = _IMPOSSIBLE.get(bound.param.annotation or "", frozenset())
    return arg is not None and arg.value is UNKNOWN and arg.type in impossible


def _check(arg: Arg, param: Param, accepted: frozenset[str]) -> Sequence[str]:
    found = arg.type or (_type_name(arg.value) if arg.value is not UNKNOWN else None)
    if found is None or found not in _KNOWN_TYPES or found in accepted:
        return ()
    if found == "none" and param.default is not None and ex.literal(param.default) is None:
        return ()
    return (f"`{param.name}` is {param.annotation}, the argument is {found}",)


def _is_sequence(arg: Arg) -> bool:
    return arg.type in _SEQUENCES or isinstance(arg.value, (tuple, list))


def _type_name(value: object) -> str:
    return "none" if value is None else type(value).__name__


def _code(arg: Arg) -> str:
    return cst.Module([]).code_for_node(arg.node)
