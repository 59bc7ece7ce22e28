"""The parts of a libcst tree that carry meaning: a table of fields, and walks over it that skip all trivia."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst as cst

# Children that carry meaning, in order of evaluation. Names that are spelled rather than looked up are no children:
# attributes, keywords, the own names of parameters, definitions, imports and captures, `global` and `nonlocal` lists.
_FIELDS_BY_NAME: Final[dict[str, tuple[str, ...]]] = {
    # expressions
    "Await": ("expression",),
    "Arg": ("value",),
    "Attribute": ("value",),
    "BinaryOperation": ("left", "right"),
    "BooleanOperation": ("left", "right"),
    "Call": ("func", "args"),
    "CompFor": ("iter", "target", "ifs", "inner_for_in"),
    "CompIf": ("test",),
    "Comparison": ("left", "comparisons"),
    "ComparisonTarget": ("comparator",),
    "ConcatenatedString": ("left", "right"),
    "Dict": ("elements",),
    "DictComp": ("for_in", "key", "value"),
    "DictElement": ("key", "value"),
    "Element": ("value",),
    "FormattedString": ("parts",),
    "FormattedStringExpression": ("expression", "format_spec"),
    "From": ("item",),
    "GeneratorExp": ("for_in", "elt"),
    "IfExp": ("test", "body", "orelse"),
    "Index": ("value",),
    "Lambda": ("params", "body"),
    "List": ("elements",),
    "ListComp": ("for_in", "elt"),
    "NamedExpr": ("value", "target"),
    "Set": ("elements",),
    "SetComp": ("for_in", "elt"),
    "Slice": ("lower", "upper", "step"),
    "StarredDictComp": ("for_in", "value"),
    "StarredDictElement": ("value",),
    "StarredElement": ("value",),
    "Subscript": ("value", "slice"),
    "SubscriptElement": ("slice",),
    "TemplatedString": ("parts",),
    "TemplatedStringExpression": ("expression", "format_spec"),
    "Tuple": ("elements",),
    "UnaryOperation": ("expression",),
    "Yield": ("value",),
    # parameters and annotations
    "Annotation": ("annotation",),
    "Param": ("annotation", "default"),
    "Parameters": ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    "TypeParam": ("param", "default"),
    "TypeParameters": ("params",),
    "TypeVar": ("bound",),
    # small statements
    "AnnAssign": ("value", "annotation", "target"),
    "AsName": ("name",),
    "Assert": ("test", "msg"),
    "Assign": ("value", "targets"),
    "AssignTarget": ("target",),
    "AugAssign": ("target", "value"),
    "Del": ("target",),
    "Expr": ("value",),
    "Import": ("names",),
    "ImportFrom": ("names",),
    "LazyImport": ("names",),
    "LazyImportFrom": ("names",),
    "Raise": ("exc", "cause"),
    "Return": ("value",),
    "TypeAlias": ("type_parameters", "value"),
    # compound statements
    "ClassDef": ("decorators", "type_parameters", "bases", "keywords", "body"),
    "Decorator": ("decorator",),
    "Else": ("body",),
    "ExceptHandler": ("type", "body"),
    "ExceptStarHandler": ("type", "body"),
    "Finally": ("body",),
    "For": ("iter", "target", "body", "orelse"),
    "FunctionDef": ("decorators", "type_parameters", "params", "returns", "body"),
    "If": ("test", "body", "orelse"),
    "IndentedBlock": ("body",),
    "Match": ("subject", "cases"),
    "MatchAs": ("pattern",),
    "MatchCase": ("pattern", "guard", "body"),
    "MatchClass": ("cls", "patterns", "kwds"),
    "MatchKeywordElement": ("pattern",),
    "MatchList": ("patterns",),
    "MatchMapping": ("elements",),
    "MatchMappingElement": ("key", "pattern"),
    "MatchOr": ("patterns",),
    "MatchOrElement": ("pattern",),
    "MatchSequenceElement": ("value",),
    "MatchTuple": ("patterns",),
    "MatchValue": ("value",),
    "Module": ("body",),
    "SimpleStatementLine": ("body",),
    "SimpleStatementSuite": ("body",),
    "Try": ("body", "handlers", "orelse", "finalbody"),
    "TryStar": ("body", "handlers", "orelse", "finalbody"),
    "While": ("test", "body", "orelse"),
    "With": ("items", "body"),
    "WithItem": ("item", "asname"),
}
# Some node types exist only in newer releases of libcst.
FIELDS: Final[dict[type, tuple[str, ...]]] = {
    getattr(cst, name): fields for name, fields in _FIELDS_BY_NAME.items() if hasattr(cst, name)
}


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The parts of `node` that carry meaning, in order of evaluation: no whitespace, operators or punctuation."""
    found: list[cst.CSTNode] = []
    for name in FIELDS.get(type(node), ()):
        child = getattr(node, name)
        if child.__class__ is tuple or child.__class__ is list:
            found.extend(child)
        elif child is not None and child.__class__ is not cst.MaybeSentinel:
            found.append(child)
    return found


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`node` and everything below it that carries meaning, parents first."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        if type(node) in FIELDS:  # a name, of which there are most, has no parts
            stack.extend(reversed(children(node)))


def dotted_name(node: cst.CSTNode | None) -> str | None:
    """`a.b.c` for a Name or a chain of Attributes on a Name, else None."""
    head, tail = split_dotted(node)
    return None if head is None else head + tail


def split_dotted(node: cst.CSTNode | None) -> tuple[str | None, str]:
    """The root of a chain of attributes and the rest with its dots: ("torch", ".nn.Linear"); else (None, "")."""
    tail = ""
    while type(node) is cst.Attribute:
        tail = f".{node.attr.value}{tail}"
        node = node.value
    return (node.value, tail) if type(node) is cst.Name else (None, "")


def names_outside(function: cst.CSTNode, block: cst.With | cst.For) -> set[str]:
    """The names in a function outside the body of one of its statements."""
    found: set[str] = set()
    stack: list[cst.CSTNode] = [function]
    while stack:
        part = stack.pop()
        if isinstance(part, cst.Name):
            found.add(part.value)
        elif part is not block.body:
            stack.extend(children(part))
    return found
