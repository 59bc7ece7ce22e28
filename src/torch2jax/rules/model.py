"""What a rule is: frozen records, built from the compiled rule book on lookup.

An `Expr` (template, guard or default) is a nested tuple of plain values: the compiled book is one `marshal` file.

    ("const", value) or ("const", value, text)   a literal, with its spelling where `repr` would change it
    ("param", name)                              a parameter of the rule
    ("name", name)                               a library root: jnp, nnx, partial, rngs, a builtin
    ("helper", name)                             helpers.<name>
    ("local", name)                              a parameter of an enclosing lambda
    ("attr", value, name)
    ("call", function, ((star, keyword, value), ...))      star is "", "*" or "**"; keyword is None or a name
    ("sub", value, index)                        index may be ("slice", lower, upper, step), or a tuple of such
    ("bin", operator, left, right)   ("un", operator, operand)   ("bool", "and" or "or", (operand, ...))
    ("cmp", left, ((operator, right), ...))
    ("tuple", (item, ...))   ("list", (item, ...))   ("star", value)   ("dict", ((key or None, value), ...))
    ("lambda", ((name, default or None), ...), body)
    ("if", test, body, orelse)
    ("fn", name, (argument, ...))                the engine's own functions: pair, rank, given, len, isinstance, ...
    ("types", (name, ...))                       the second argument of isinstance
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Expr: TypeAlias = tuple[Any, ...]
# A result annotation: a name such as "Tensor", a tuple of results, or None where the rule does not say.
Result: TypeAlias = "str | tuple[Result, ...] | None"
ParamKind: TypeAlias = Literal["pos_only", "pos", "var_pos", "kw_only", "var_kw"]
RuleKind: TypeAlias = Literal["rule", "attribute", "constant"]
StateOp: TypeAlias = "Literal['T'] | tuple[Literal['transpose'], tuple[int, ...]]"


class Unknown(enum.Enum):
    """The type of `UNKNOWN`, the value of an expression that the conversion does not know."""

    UNKNOWN = "UNKNOWN"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN

# Annotations whose argument may be given without the template using it.
UNUSED_BY_DESIGN: Final = frozenset(
    {"Device", "Ignored", "Dropped", "Inplace", "IsFalse", "IsTrue", "Out", "Parameters"}
)


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a torch signature; `default` is a literal, None if `required`."""

    name: str
    kind: ParamKind
    default: Expr | None
    required: bool
    annotation: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not translated, and what the user can do instead."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """`if guard: return template` or `if guard: raise Unsupported(reason, hint)`; no guard on the last one."""

    guard: Expr | None
    template: Expr | None
    refusal: Refusal | None
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """How the object that a Module rule builds is called; the first parameter is `self`, the flax object."""

    params: tuple[Param, ...]
    result: Result
    branches: tuple[Branch, ...]
    line: int


@dataclass(frozen=True, slots=True)
class StateEntry:
    """`flax.<flax> = torch.<torch>` followed by `ops`; applies to torch arrays of `rank` axes (None: of any rank)."""

    flax: str
    torch: str
    ops: tuple[StateOp, ...]
    rank: int | None


@dataclass(frozen=True, slots=True)
class StateMap:
    """How a torch layer's entries of the state dict become a flax object's variables; others keep their names."""

    entries: tuple[StateEntry, ...]

    def entry(self, flax: str, rank: int) -> StateEntry | None:
        """The entry for the variable `flax` whose torch array has `rank` axes."""
        for entry in self.entries:
            if entry.flax == flax and entry.rank in (None, rank):
                return entry
        return None


@dataclass(frozen=True, slots=True)
class Layout:
    """Axis names in torch's order and in the output's order; "..." stands for any number of spatial axes."""

    rank: int | None
    source: tuple[str, ...]
    target: tuple[str, ...]

    def permutation(self, rank: int) -> tuple[int, ...]:
        """Torch axis of each output axis, for an array of `rank` axes: `out.shape[i] == torch.shape[result[i]]`."""
        source: list[str | int] = []
        target: list[str | int] = []
        spread = list(range(rank - len(self.source) + 1))
        for names, axes in ((self.source, source), (self.target, target)):
            for name in names:
                axes.extend(spread if name == "..." else [name])
        return tuple(source.index(axis) for axis in target)


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a docstring: statements whose last line is an expression, and the comment behind that line."""

    source: str
    comment: str
    line: int

    @property
    def random(self) -> bool:
        """Whether only shape and dtype can be compared."""
        return self.comment.startswith("random")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the book, see docs/rules.md."""

    names: tuple[str, ...]
    kind: RuleKind
    params: tuple[Param, ...]
    result: Result
    branches: tuple[Branch, ...]
    caveats: tuple[str, ...]
    doc: str
    examples: tuple[Example, ...]
    layout: Layout | None
    mode: str
    rank: Expr | None
    dtype: str | None
    fresh: bool
    view: bool
    fields: tuple[str, ...]
    pooled: str | None
    state: StateMap | None
    call: Call | None
    function: str
    file: str
    line: int
    attributes: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """The first of the rule's names."""
        return self.names[0]

    def attribute(self, name: str) -> Rule | None:
        """How `name`, an attribute of the torch layer, is read from the flax object; None if the rule does not say."""
        return next((rule for rule in self.attributes if rule.function == name), None)

    def param(self, name: str) -> Param:
        """The parameter called `name`; KeyError if there is none."""
        for param in self.params:
            if param.name == name:
                return param
        raise KeyError(name)


# A call of a Module rule that says nothing else: one tensor in, one tensor out.
DEFAULT_CALL: Final = Call(
    params=(Param("self", "pos", None, True, None), Param("input", "pos", None, True, "Tensor")),
    result="Tensor",
    branches=(Branch(None, ("call", ("param", "self"), (("", None, ("param", "input")),)), None, 0),),
    line=0,
)


def encode(rule: Rule) -> tuple[Any, ...]:
    """The rule as nested tuples of plain values, for `marshal`."""
    return (
        rule.names,
        rule.kind,
        tuple(_encode_param(param) for param in rule.params),
        rule.result,
        tuple(_encode_branch(branch) for branch in rule.branches),
        rule.caveats,
        rule.doc,
        tuple((example.source, example.comment, example.line) for example in rule.examples),
        (rule.layout.rank, rule.layout.source, rule.layout.target) if rule.layout else None,
        rule.mode,
        rule.rank,
        rule.dtype,
        rule.fresh,
        rule.view,
        rule.fields,
        rule.pooled,
        encode_state(rule.state) if rule.state else None,
        _encode_call(rule.call) if rule.call else None,
        rule.function,
        rule.file,
        rule.line,
        tuple(encode(attribute) for attribute in rule.attributes),
    )


def decode(data: tuple[Any, ...]) -> Rule:
    """The rule that `encode` wrote."""
    names, kind, params, result, branches, caveats, doc, examples, layout, *rest = data
    mode, rank, dtype, fresh, view, fields, pooled, state, call, function, file, line, attributes = rest
    return Rule(
        names=names,
        kind=kind,
        params=tuple(Param(*param) for param in params),
        result=result,
        branches=tuple(_decode_branch(branch) for branch in branches),
        caveats=caveats,
        doc=doc,
        examples=tuple(Example(*example) for example in examples),
        layout=Layout(*layout) if layout else None,
        mode=mode,
        rank=rank,
        dtype=dtype,
        fresh=fresh,
        view=view,
        fields=fields,
        pooled=pooled,
        state=decode_state(state) if state else None,
        call=_decode_call(call) if call else (DEFAULT_CALL if result == "Module" else None),
        function=function,
        file=file,
        line=line,
        attributes=tuple(decode(attribute) for attribute in attributes),
    )


def encode_state(state: StateMap) -> tuple[Any, ...]:
    """The map as nested tuples."""
    return tuple((entry.flax, entry.torch, entry.ops, entry.rank) for entry in state.entries)


def decode_state(data: tuple[Any, ...]) -> StateMap:
    """The map that `encode_state` wrote."""
    return StateMap(tuple(StateEntry(*entry) for entry in data))


def _encode_param(param: Param) -> tuple[Any, ...]:
    return (param.name, param.kind, param.default, param.required, param.annotation)


def _encode_branch(branch: Branch) -> tuple[Any, ...]:
    refusal = (branch.refusal.reason, branch.refusal.hint) if branch.refusal else None
    return (branch.guard, branch.template, refusal, branch.line)


def _decode_branch(data: tuple[Any, ...]) -> Branch:
    guard, template, refusal, line = data
    return Branch(guard, template, Refusal(*refusal) if refusal else None, line)


def _encode_call(call: Call) -> tuple[Any, ...]:
    params = tuple(_encode_param(param) for param in call.params)
    return (params, call.result, tuple(_encode_branch(branch) for branch in call.branches), call.line)


def _decode_call(data: tuple[Any, ...]) -> Call:
    params, result, branches, line = data
    return Call(
        tuple(Param(*param) for param in params), result, tuple(_decode_branch(branch) for branch in branches), line
    )
