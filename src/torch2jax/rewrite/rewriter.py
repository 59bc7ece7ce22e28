"""Rewriting expressions: each node by what the interpreter found out about it, everything else as it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import libcst as cst

from torch2jax.infer.facts import Facts, Finding
from torch2jax.infer.kinds import Kind
from torch2jax.infer.layout import conversion
from torch2jax.infer.program import ClassInfo, FileInfo, FunctionInfo, Program
from torch2jax.rewrite.line_marks import LineMarks
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.source.nodes import FIELDS

if TYPE_CHECKING:
    from torch2jax.rewrite.host import Arrivals

Handler = Callable[["Rewriter", Any], Any]
EXPRESSIONS: dict[type, Handler] = {}
DATA: dict[type, Handler] = {}
STATEMENTS: dict[type, Handler] = {}
Node = TypeVar("Node", bound=cst.CSTNode)

PRIMARY = 16


def rewrites(table: dict[type, Handler], *types: type) -> Callable[[Handler], Handler]:
    """Register the rewriting of node types."""

    def register(handler: Handler) -> Handler:
        for node_type in types:
            table[node_type] = handler
        return handler

    return register


@dataclass(slots=True)
class Tally:
    """What the coverage summary counts."""

    translated: int = 0
    flagged: int = 0
    dropped: int = 0
    transposes: int = 0


@dataclass
class Rewriter:
    """Rewrites one file."""

    program: Program
    file: FileInfo
    function: FunctionInfo
    names: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    before: list[cst.BaseStatement | cst.SimpleStatementLine] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    trace: list[tuple[Any, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    marks: dict[cst.CSTNode, list[Finding]] = field(default_factory=dict)
    owner: ClassInfo | None = None
    taken: set[str] = field(default_factory=set)
    conditional: int = 0
    can_name: bool = True
    placed: set[Any] = field(default_factory=set)
    kept: set[cst.CSTNode] = field(default_factory=set)
    arrivals: Arrivals | None = None
    taken_back: cst.CSTNode | None = None
    helper_names: dict[str, str] = field(default_factory=dict)
    binding_names: frozenset[str] = frozenset()
    comments_inside: bool = False
    unplaced: list[cst.EmptyLine] = field(default_factory=list)
    scopes: dict[Any, Any] = field(default_factory=dict)
    gradient: Any = None
    without_gradients: cst.CSTNode | None = None
    unordered: set[cst.CSTNode] = field(default_factory=set)
    line_marks: LineMarks | None = None
    hoisted: list[cst.FunctionDef] = field(default_factory=list)
    in_data: bool = False
    reseeding: set[cst.CSTNode] = field(default_factory=set)
    warned: set[FunctionInfo] = field(default_factory=set)
    entered: set[cst.CSTNode] = field(default_factory=set)
    defined_steps: dict[str, str] = field(default_factory=dict)
    replaced: dict[cst.CSTNode, Any] = field(default_factory=dict)
    moving: set[cst.CSTNode] = field(default_factory=set)
    shared: dict[Any, Any] = field(default_factory=dict)
    copied: set[cst.CSTNode] = field(default_factory=set)
    patterned: dict[cst.CSTNode, int] = field(default_factory=dict)
    steps: dict[cst.CSTNode, tuple[int, ...]] = field(default_factory=dict)
    _inferred: dict[FunctionInfo, dict[cst.CSTNode, list[Finding]]] = field(default_factory=dict)
    _own: dict[cst.CSTNode, list[Finding]] = field(default_factory=dict)
    _counted: int = 0

    @property
    def facts(self) -> Facts:
        """The facts of the function that is being rewritten."""
        return self.function.facts

    def kind(self, node: cst.CSTNode) -> Kind | None:
        """What the interpreter found the node to be."""
        return self.facts.kinds.get(node)

    def imported_names(self) -> frozenset[str]:
        """Names that imports bind in this file."""
        return self.binding_names

    def scope_names(self, node: cst.CSTNode) -> list[str]:
        """The names that a function binds or reads."""
        scope = self.scopes[node]
        return [*scope.names, *scope.reads]

    def is_tied(self, node: cst.BaseExpression) -> bool:
        """Whether an expression names an output layer whose weight is an embedding's: the embedding takes its place."""
        tie = self._tie(node)
        return tie is not None and not tie[2]

    def tied_to(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """The embedding that is called instead of an output layer without a bias."""
        tie = self._tie(node)
        return cst.parse_expression(tie[0]) if tie is not None and not tie[1] and not tie[2] else None

    def tied_matrix(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """The embedding whose matrix is the weight of an output layer."""
        tie = self._tie(node)
        return cst.parse_expression(tie[0]) if tie is not None and not tie[2] else None

    def _tie(self, node: cst.BaseExpression) -> tuple[str, bool, bool] | None:
        if self.owner is None or not any(cls.tied for cls in self.owner.mro()):
            return None
        spelled = cst.Module([]).code_for_node(node)
        return next((cls.tied[spelled] for cls in self.owner.mro() if spelled in cls.tied), None)

    def errors(self) -> Sequence[Mapping[cst.CSTNode, list[Finding]]]:
        """The errors of the function that is being rewritten by node, then those found while rewriting."""
        if self.function not in self._inferred:
            self._inferred[self.function] = _errors_by_node(self.facts.findings.values())
        if self._counted < len(self.findings):
            self._own = _errors_by_node(self.findings)
            self._counted = len(self.findings)
        return [errors for errors in (self._inferred[self.function], self._own) if errors]

    # expressions

    def expr(self, node: Any) -> Any:
        """The translation of an expression, in the layout its consumer wants."""
        if self.replaced and node in self.replaced:
            return self.replaced[node]
        if self.in_data:
            handler = DATA.get(type(node))
            return handler(self, node) if handler is not None else self.generic(node)
        facts = self.facts
        if self.program.gradients and node in self.program.gradients:
            from torch2jax.rewrite.gradients import gradient

            return self.adapted(node, gradient(self, node))
        if facts.host and node in facts.host:
            if self.program.uses_grain:
                from torch2jax.rewrite.numpy_code import data_value

                return data_value(self, node)
            self.kept.add(node)
            return node
        handler = EXPRESSIONS.get(type(node))
        result = handler(self, node) if handler is not None else self.generic(node)
        result = self.adapted(node, result)
        if node in self.program.static_arrays:
            from torch2jax.rewrite.masks import in_numpy

            result = in_numpy(self, result)
        how = facts.crossings.get(node) if facts.crossings else None
        return self.crossed(node, how, result) if how is not None else result

    def crossed(self, node: cst.CSTNode, how: str, value: cst.BaseExpression) -> cst.BaseExpression:
        """A value that goes over to JAX, or to PyTorch's data loading."""
        from torch2jax.rewrite.host import crossed

        made = crossed(self, how, value)
        return made if self.arrivals is None else self.arrivals.named(self, node, made)

    def adapted(self, node: cst.CSTNode, result: Any) -> Any:
        """Read the Variable and transpose, where the consumer of ``node`` needs it."""
        facts = self.facts
        if facts.special:
            note = facts.special.get(node)
            if note is not None and note[0] == "layers":
                result = attribute(result, "layers")
            if note is not None and note[0] == "logical_shape":
                return items_of(result, [note[1].index(axis) for axis in range(len(note[1]))])
            if note is not None and note[0] == "relaid_items":
                return self.relaid_items(result, note[1])
            if note is not None and note[0] == "relaid_each":
                return self.relaid_each(result, note[1])
        if node in facts.reads:
            from torch2jax.rewrite.detached import read

            result = read(self, node, read_variable(node, result, facts))
        relayout = facts.relayouts.get(node)
        if relayout is not None:
            self.tally.transposes += node not in facts.reads
            axes = conversion(relayout.source, relayout.target, relayout.rank or 0)
            if node in facts.optional and isinstance(result, cst.IfExp):
                return result.with_changes(orelse=self.transposed(result.orelse, axes))
            result = self.transposed(result, axes)
        return result

    def relaid_items(self, node: cst.BaseExpression, moves: Sequence[Any]) -> cst.BaseExpression:
        """A tuple in a variable, with those of its arrays transposed that lie otherwise than wanted."""
        elements = []
        for index, move in enumerate(moves):
            item: cst.BaseExpression = cst.Subscript(node, [cst.SubscriptElement(cst.Index(number(index)))])
            if move is not None:
                self.tally.transposes += 1
                item = self.transposed(item, conversion(move.source, move.target, move.rank or 0))
            elements.append(cst.Element(item))
        return cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])

    def relaid_each(self, node: cst.BaseExpression, move: Any) -> cst.BaseExpression:
        """The arrays that a call gives, all of them transposed."""
        self.tally.transposes += 1
        part = cst.Name("part")
        moved = self.transposed(part, conversion(move.source, move.target, move.rank or 0))
        each = cst.GeneratorExp(moved, cst.CompFor(target=cst.Name("part"), iter=node), lpar=[], rpar=[])
        return call(cst.Name("tuple"), [each])

    def transposed(self, node: cst.BaseExpression, axes: Sequence[int]) -> cst.BaseExpression:
        """``x.transpose(0, 2, 3, 1)`` or ``x.T``; one with a transposition or einops call that ``node`` ends in."""
        from torch2jax.rewrite.einops_calls import transposed

        other = transposed(self, node, axes)
        if other is not None:
            self.tally.transposes -= 1
            return other
        before = _transposition(node, len(axes))
        if before is not None:
            node, order = before
            axes = [order[axis] for axis in axes]
            if list(axes) == sorted(axes):
                self.tally.transposes -= 1
                return node
        if tuple(axes) == (1, 0):
            return attribute(node, "T")
        return method_call(node, "transpose", [number(axis) for axis in axes])

    def generic(self, node: Node) -> Node:
        """The same node with its parts rewritten."""
        fields = FIELDS.get(type(node))
        if fields is None:
            return node
        changes: dict[str, Any] = {}
        for name in fields:
            value = getattr(node, name)
            if isinstance(value, list | tuple):
                items = [self.expr(item) for item in value]
                if any(a is not b for a, b in zip(items, value, strict=True)):
                    changes[name] = type(value)(items) if isinstance(value, tuple) else items
            elif value is not None and not isinstance(value, cst.MaybeSentinel):
                new = self.expr(value)
                if new is not value:
                    changes[name] = fitted(node, name, value, new)
        return node.with_changes(**changes) if changes else node

    def untranslated(self, node: Node) -> Node:
        """What has been flagged: a call has its arguments rewritten, and not what it calls."""
        return node.with_changes(args=[self.expr(arg) for arg in node.args]) if isinstance(node, cst.Call) else node

    # names

    def root(self, name: str) -> cst.Name:
        """A library name such as ``jnp``, imported."""
        self.names.add(name)
        return cst.Name(name)

    def helper(self, name: str) -> cst.Name:
        """A helper, carried along."""
        self.helpers.add(name)
        return cst.Name(self.helper_names.get(name, name))

    def rngs(self) -> cst.BaseExpression:
        """What gives random numbers here: the module's own stream, or the parameter."""
        top = self.function.outermost
        if top.draws_from_self:
            params = top.parameters()
            receiver = params.params[0].name.value if params is not None and params.params else "self"
            return cst.Attribute(cst.Name(receiver), cst.Name("rngs"))
        return cst.Name("rngs")


def _errors_by_node(findings: Iterable[Finding]) -> dict[cst.CSTNode, list[Finding]]:
    found: dict[cst.CSTNode, list[Finding]] = {}
    for finding in findings:
        if finding.code < "T2J2":
            found.setdefault(finding.node, []).append(finding)
    return found


def _transposition(node: cst.BaseExpression, rank: int) -> tuple[cst.BaseExpression, list[int]] | None:
    """What ``node`` transposes, and into which order, where it is a call that does so with literal axes."""
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute) or node.lpar:
        return None
    axes = [int(arg.value.value) for arg in node.args if isinstance(arg.value, cst.Integer) and not arg.keyword]
    if len(axes) != len(node.args) or any(axis >= rank for axis in axes):
        return None
    if node.func.attr.value == "transpose" and len(axes) == rank:
        return node.func.value, axes
    if node.func.attr.value == "swapaxes" and len(axes) == 2:
        order = list(range(rank))
        order[axes[0]], order[axes[1]] = axes[1], axes[0]
        return node.func.value, order
    return None


def fitted(parent: cst.CSTNode, name: str, old: cst.CSTNode, new: Any) -> Any:
    """Put parentheses around a new child where the parent binds tighter."""
    from torch2jax.rewrite.precedence import precedence

    if not isinstance(new, cst.BaseExpression):
        return new
    if isinstance(parent, cst.Attribute | cst.Subscript | cst.Call) and name in ("value", "func"):
        return parenthesize(new, PRIMARY)
    if isinstance(parent, cst.BinaryOperation | cst.BooleanOperation | cst.UnaryOperation | cst.Comparison):
        least = precedence(cast("cst.BaseExpression", parent.with_changes(lpar=[], rpar=[])))
        if name in ("right", "comparator") and isinstance(parent, cst.BinaryOperation):
            least += 1
        return parenthesize(new, least)
    if isinstance(parent, cst.ComparisonTarget):
        return parenthesize(new, 7)
    if isinstance(parent, cst.IfExp) and name in ("body", "test"):
        return parenthesize(new, 3)
    if isinstance(parent, cst.StarredElement):
        return parenthesize(new, 7)
    return new


def read_variable(node: cst.CSTNode, result: cst.BaseExpression, facts: Facts) -> cst.BaseExpression:
    """``p[...]``."""
    value: cst.BaseExpression = cst.Subscript(
        parenthesize(result, PRIMARY), [cst.SubscriptElement(cst.Index(cst.Ellipsis()))]
    )
    if node in facts.optional:
        test = cst.Comparison(result, [cst.ComparisonTarget(cst.Is(), cst.Name("None"))])
        return cst.IfExp(test, cst.Name("None"), value)
    return value


def number(value: int) -> cst.BaseExpression:
    """An integer literal, negative ones too."""
    if value < 0:
        return cst.UnaryOperation(cst.Minus(), cst.Integer(str(-value)))
    return cst.Integer(str(value))


def items_of(shape: cst.BaseExpression, order: Sequence[int]) -> cst.BaseExpression:
    """Torch's shape of an array that lies in another order, or part of it: ``(x.shape[0], x.shape[3], ...)``."""
    shape = parenthesize(shape, PRIMARY)
    if order and list(order) == list(range(order[0], order[0] + len(order))):
        bounds = cst.Slice(number(order[0]) if order[0] else None, number(order[-1] + 1))
        return cst.Subscript(shape, [cst.SubscriptElement(bounds)])
    elements = [cst.Element(cst.Subscript(shape, [cst.SubscriptElement(cst.Index(number(i)))])) for i in order]
    return cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def attribute(value: cst.BaseExpression, name: str) -> cst.Attribute:
    """``value.name``."""
    return cst.Attribute(parenthesize(value, PRIMARY), cst.Name(name))


def argument(value: cst.BaseExpression, keyword: str | None = None, star: str = "") -> cst.Arg:
    """An argument, spaced as usual."""
    if isinstance(value, cst.Tuple) and not value.lpar:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    if keyword is None:
        return cst.Arg(value, star=star)  # type: ignore[arg-type]
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value, keyword=cst.Name(keyword), equal=tight)


def call(func: cst.BaseExpression, args: Sequence[cst.Arg | cst.BaseExpression]) -> cst.Call:
    """``func(args)``."""
    return cst.Call(func, [arg if isinstance(arg, cst.Arg) else argument(arg) for arg in args])


def method_call(value: cst.BaseExpression, name: str, args: Sequence[cst.Arg | cst.BaseExpression]) -> cst.Call:
    """``value.name(args)``."""
    return call(attribute(value, name), args)


def statement(node: cst.BaseSmallStatement) -> cst.SimpleStatementLine:
    """A line with one small statement."""
    return cst.SimpleStatementLine([node])


def expression_line(value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """A line with one expression."""
    return statement(cst.Expr(value))


def assignment(target: cst.BaseExpression, value: cst.BaseExpression) -> cst.Assign:
    """``target = value``."""
    return cst.Assign([cst.AssignTarget(cast("Any", target))], value)
