"""What a translator may write instead: operators that each know one kind of node of a syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mutations import Finder

Change = tuple[str, ast.AST, str]
"""The kind of mistake, the node that is replaced, and its new text."""


def changes(node: ast.AST, at: Finder) -> Iterator[Change]:
    """All mistakes that can be made at a node."""
    for operator in _OPERATORS.get(type(node), ()):
        yield from operator(node, at)


def _number(node: ast.AST | None) -> int | float | None:
    """The value of a literal number, also of a negative one."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    return None


def _name(function: ast.expr) -> str:
    """The last part of what is called."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _head(node: ast.expr) -> str:
    """The first name of a dotted one."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")


def _is_library(function: ast.expr) -> bool:
    return _head(function) in ("jnp", "nnx", "lax", "jax", "np", "optax")


# Calls


def keywords(node: ast.keyword, at: Finder) -> Iterator[Change]:
    """Arguments by keyword: axes, constants of layers, options."""
    value, number = node.value, _number(node.value)
    flipped = isinstance(value, ast.Constant) and isinstance(value.value, bool)
    match node.arg:
        case "axis" | "axes" | "batch_axis" | "in_axis" if number is not None:
            yield "axis", value, str(int(number) - 1 if number < 0 else int(number) + 1)
            yield "axis", value, "0" if number else "1"
        case "epsilon" | "eps" if number:
            yield "epsilon x10", value, repr(number * 10)
        case "momentum" if number is not None:
            yield "momentum", value, repr(round(1 - number, 6))
        case "ddof" | "correction" if number is not None:
            yield "biased variance", value, "0" if number else "1"
        case "approximate" if flipped:
            yield "GELU approximation", value, str(not ast.literal_eval(value))
        case "use_bias":
            yield "bias", value, str(not ast.literal_eval(value)) if flipped else f"not {at.text(value)}"
        case "keepdims" if flipped:
            yield "keepdims", value, str(not ast.literal_eval(value))
        case "padding" | "output_padding":
            yield from _padding(value, at)
        case "strides" | "kernel_dilation" | "input_dilation" | "window_shape" | "feature_group_count":
            kind = {"window_shape": "window", "strides": "stride", "feature_group_count": "groups"}
            for part in ast.walk(value):
                if (size := _number(part)) is not None:
                    yield kind.get(node.arg, "dilation"), part, str(int(size) + 1 if size == 1 else int(size) - 1)
            if node.arg == "feature_group_count" and number is None:
                yield "groups", value, "1"
        case "negative_slope" | "alpha" if number:
            yield "negative slope", value, repr(number * 10)
        case "k" if number is not None:
            yield "diagonal", value, str(int(number) + 1)
        case "fill_value" | "ignore_index" | "length" | "min" | "max" if number is not None:
            yield "constant", value, repr(number + 1)
        case "use_fast_variance":  # computes the same
            return
        case _ if flipped:
            yield "option", value, str(not ast.literal_eval(value))
        case _ if number is not None and not (node.arg or "").endswith("_init"):
            yield "constant", value, repr(number + 1 if number else 1)


def _padding(value: ast.expr, at: Finder) -> Iterator[Change]:
    if isinstance(value, ast.Constant) and value.value in ("SAME", "VALID"):
        yield "padding", value, '"VALID"' if value.value == "SAME" else '"SAME"'
    for part in ast.walk(value):
        if isinstance(part, ast.Constant) and type(part.value) is int:
            yield "padding", part, str(part.value + 1 if not part.value else part.value - 1)
    if isinstance(value, ast.Name | ast.BinOp | ast.Attribute):
        yield "padding", value, f"{at.text(value)} + 1"


_SWAPPED = {
    "mean": ("reduction", "sum"), "sum": ("reduction", "mean"), "max": ("reduction", "min"),
    "min": ("reduction", "max"), "argmax": ("reduction", "argmin"), "argmin": ("reduction", "argmax"),
    "prod": ("reduction", "sum"), "any": ("reduction", "all"), "all": ("reduction", "any"),
    "cumsum": ("reduction", "cumprod"), "cumprod": ("reduction", "cumsum"), "var": ("reduction", "std"),
    "std": ("reduction", "var"), "max_pool": ("reduction", "avg_pool"), "avg_pool": ("reduction", "max_pool"),
    "tril": ("mask", "triu"), "triu": ("mask", "tril"),
    "relu": ("activation", "silu"), "gelu": ("activation", "relu"), "silu": ("activation", "gelu"),
    "tanh": ("activation", "sin"), "sigmoid": ("activation", "tanh"), "softplus": ("activation", "relu"),
    "elu": ("activation", "relu"), "relu6": ("activation", "relu"), "hard_sigmoid": ("activation", "sigmoid"),
    "hard_swish": ("activation", "silu"), "log_softmax": ("activation", "softmax"),
    "softmax": ("activation", "log_softmax"), "sin": ("activation", "cos"), "cos": ("activation", "sin"),
    "maximum": ("minimum for maximum", "minimum"), "minimum": ("minimum for maximum", "maximum"),
    "zeros": ("zeros for ones", "ones"), "ones": ("zeros for ones", "zeros"),
    "zeros_like": ("zeros for ones", "ones_like"), "ones_like": ("zeros for ones", "zeros_like"),
    "floor": ("rounding", "ceil"), "ceil": ("rounding", "floor"), "round": ("rounding", "floor"),
    "logical_and": ("and for or", "logical_or"), "logical_or": ("and for or", "logical_and"),
    "stack": ("stack for concatenate", "concatenate"), "concatenate": ("stack for concatenate", "stack"),
    "repeat": ("tile for repeat", "tile"), "LayerNorm": ("layer", "RMSNorm"),
}  # fmt: skip
_SWAPPED_METHODS = frozenset(
    ("mean", "sum", "max", "min", "argmax", "argmin", "prod", "any", "all", "cumsum", "cumprod")
)
_UNARY = frozenset(("sqrt", "exp", "log", "abs", "square", "rsqrt", "log1p", "expm1", "reciprocal", "flip"))


def called(node: ast.Call, at: Finder) -> Iterator[Change]:
    """The function of a call exchanged or left out, and its arguments by position."""
    name, args = _name(node.func), node.args
    method = isinstance(node.func, ast.Attribute) and not _is_library(node.func)
    first = at.text(args[0]) if args and not isinstance(args[0], ast.Starred) else ""
    receiver = at.text(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if name in ("transpose", "swapaxes", "moveaxis"):
        yield "transpose dropped", node, receiver if method else first
        yield from _permuted(node, args if method else args[1:], at)
    elif name == "where" and len(args) == 3:
        yield "branches of where", node, f"{at.text(node.func)}({first}, {at.text(args[2])}, {at.text(args[1])})"
    elif name == "astype":
        yield "cast dropped", node, receiver
    elif name == "stop_gradient":
        yield "stop_gradient dropped", node, first
    elif name in ("softmax", "log_softmax") and len(args) == 1 and not node.keywords:
        yield "softmax axis", node, f"{at.text(node.func)}({first}, axis=-2)"
    elif name in ("var", "std") and not any(k.arg in ("ddof", "correction") for k in node.keywords):
        yield "biased variance", node, f"{at.text(node)[:-1]}{', ' if args or node.keywords else ''}ddof=1)"
    elif name == "arange" and len(args) == 1:
        yield "arange", node, f"({at.text(node)} + 1)"
    elif name in ("concatenate", "stack") and args and isinstance(args[0], ast.Tuple | ast.List):
        yield from _reversed(args[0], at)
    elif name in ("tile", "repeat", "broadcast_to") and len(args) > 1 and isinstance(args[1], ast.Tuple):
        yield from _reversed(args[1], at, "tile")
    elif name == "reshape" and method and len(args) > 2 and not any(isinstance(a, ast.Starred) for a in args):
        shape = [at.text(argument) for argument in args]
        for place in range(len(shape) - 1):
            turned = [*shape[:place], shape[place + 1], shape[place], *shape[place + 2 :]]
            yield "reshape", node, f"{at.text(node.func)}({', '.join(turned)})"
    elif name == "range" and args:
        yield "loop", args[-1], f"{at.text(args[-1])} - 1"
    elif name == "Dropout" and args:
        yield "dropout rate", args[0], f"1 - {first}"
    elif name == "einsum" and args and isinstance(args[0], ast.Constant):
        yield from _subscripts(args[0])
    elif name in ("tril", "triu") and len(args) == 1 and not node.keywords:
        yield "diagonal", node, f"{at.text(node)[:-1]}, k=1)"
    if name in _UNARY and first and _is_library(node.func) and len(args) == 1:
        yield f"{'sqrt' if 'sqrt' in name else 'function'} dropped", node, first
    if isinstance(node.func, ast.Attribute) and _head(node.func) == "self" and len(args) == 1 and first:
        kind = "dropout dropped" if "drop" in name else "layer dropped"
        yield kind, node, first
    if name in _SWAPPED and (_is_library(node.func) or name in _SWAPPED_METHODS):
        yield from _renamed(node.func, name, at)
    if name == "sigmoid" and first:
        yield "function dropped", node, first
    yield from _arguments(node, name, at)


def _renamed(function: ast.expr, name: str, at: Finder) -> Iterator[Change]:
    kind, other = _SWAPPED[name]
    yield kind, function, at.text(function)[: -len(name)] + other


def _arguments(node: ast.Call, name: str, at: Finder) -> Iterator[Change]:
    """Arguments by position: neighbours swapped, numbers off by one."""
    args = node.args
    if name in (
        "swapaxes",
        "maximum",
        "minimum",
        "logical_or",
        "logical_and",
        "isinstance",
        "zip",
        "getattr",
        "hasattr",
        "setattr",
        "range",
        "transpose",
        "reshape",
        "einsum",
    ):
        return
    for left, right in pairwise(args):
        if not isinstance(left, ast.Starred) and not isinstance(right, ast.Starred):
            start, end = at.text(left), at.text(right)
            texts = [end if a is left else start if a is right else at.text(a) for a in args]
            texts += [at.text(keyword) for keyword in node.keywords]
            yield "arguments swapped", node, f"{at.text(node.func)}({', '.join(texts)})"


def _permuted(node: ast.Call, axes: Sequence[ast.expr], at: Finder) -> Iterator[Change]:
    """Two neighbours of a permutation exchanged; for two axes, the second is another one."""
    if axes and isinstance(axes[0], ast.Tuple):
        axes = axes[0].elts
    numbers = [_number(axis) for axis in axes]
    if len(numbers) < 2 or any(number is None for number in numbers):
        return
    if len(numbers) == 2:
        last = int(numbers[1] or 0)
        yield "transpose permuted", axes[1], str(last - 1 if last < 0 else last + 1)
    else:
        yield "transpose permuted", axes[-1], str(numbers[-2])
        whole = at.text(node)
        for place in range(1, len(axes) - 1):
            start, _ = at.span(axes[place])
            _, end = at.span(axes[place + 1])
            begin = at.span(node)[0]
            inner = f"{at.text(axes[place + 1])}, {at.text(axes[place])}"
            data = whole.encode()
            yield "transpose permuted", node, (data[: start - begin] + inner.encode() + data[end - begin :]).decode()


def _reversed(node: ast.Tuple | ast.List, at: Finder, kind: str = "order of concatenation") -> Iterator[Change]:
    if len(node.elts) > 1 and not any(isinstance(element, ast.Starred) for element in node.elts):
        inner = ", ".join(at.text(element) for element in reversed(node.elts))
        yield kind, node, f"[{inner}]" if isinstance(node, ast.List) else f"({inner})"


def _subscripts(node: ast.Constant) -> Iterator[Change]:
    inputs, arrow, output = str(node.value).partition("->")
    if arrow and len(output) > 1:
        yield "einsum", node, repr(f"{inputs}->{output[:-2]}{output[-1]}{output[-2]}")
    first, comma, rest = inputs.partition(",")
    if len(first) > 1:
        yield "einsum", node, repr(f"{first[1]}{first[0]}{first[2:]}{comma}{rest}{arrow}{output}")


# Operators and literals


def arithmetic(node: ast.BinOp, at: Finder) -> Iterator[Change]:
    """Operands swapped or dropped, another sign, another power."""
    left, right = at.text(node.left), at.text(node.right)
    outer = (left, right)
    left, right = (
        f"({t})" if isinstance(n, ast.BinOp | ast.Compare | ast.IfExp) else t
        for t, n in zip(outer, (node.left, node.right), strict=True)
    )
    in_shape = isinstance(at.parents.get(node), ast.Subscript)
    match node.op:
        case ast.Add():
            yield ("term dropped", node, f"({left})") if not in_shape else ("slice", node, left)
            yield "sign", node, f"({left} - {right})"
        case ast.Sub():
            yield "operands swapped", node, f"({right} - {left})"
            yield "sign", node, f"({left} + {right})"
        case ast.Mult():
            yield "multiply for divide", node, f"({left} / {right})"
            yield "factor dropped", node, f"({left})"
        case ast.Div():
            yield "multiply for divide", node, f"({left} * {right})"
            yield "operands swapped", node, f"({right} / {left})"
        case ast.MatMult():
            yield "operands swapped", node, f"({right} @ {left})"
        case ast.FloorDiv():
            yield "division", node, f"({left} // {right} + 1)"
        case ast.Pow():
            if (power := _number(node.right)) is not None:
                yield "power", node.right, repr(power + 1)
        case ast.BitAnd():
            yield "and for or", node, f"({left} | {right})"
        case ast.BitOr():
            yield "and for or", node, f"({left} & {right})"


def comparison(node: ast.Compare, at: Finder) -> Iterator[Change]:
    """The other sign, or the bound in or out."""
    if len(node.ops) != 1:
        return
    left, right = at.text(node.left), at.text(node.comparators[0])
    others = {ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}
    bounds = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
    turned = {ast.Lt: ">", ast.LtE: ">=", ast.Gt: "<", ast.GtE: "<="}
    op = type(node.ops[0])
    if op in others:
        yield "polarity", node, f"{left} {others[op]} {right}"
    else:
        yield "bound", node, f"{left} {bounds[op]} {right}"
        yield "polarity", node, f"{left} {turned[op]} {right}"


def unary(node: ast.UnaryOp, at: Finder) -> Iterator[Change]:
    """A negation or a sign left out."""
    if isinstance(node.op, ast.Not | ast.Invert):
        yield "polarity", node, at.text(node.operand)
    elif isinstance(node.op, ast.USub) and _number(node) is None:
        yield "sign", node, at.text(node.operand)


def boolean(node: ast.BoolOp, at: Finder) -> Iterator[Change]:
    """`and` for `or`."""
    word = " or " if isinstance(node.op, ast.And) else " and "
    yield "and for or", node, "(" + word.join(at.text(value) for value in node.values) + ")"


def constant(node: ast.Constant, at: Finder) -> Iterator[Change]:
    """Numbers off by one, or doubled, where no other operator knows what they mean."""
    parent = at.parents.get(node)
    negative = isinstance(parent, ast.UnaryOp)
    if isinstance(parent, ast.keyword) or (negative and isinstance(at.parents.get(parent), ast.keyword)):
        return
    if type(node.value) is int:
        yield "constant", node, str(node.value + 1)
        if node.value > 1:
            yield "constant", node, str(node.value - 1)
    elif type(node.value) is float and node.value:
        yield "constant", node, repr(node.value * 2)
    elif node.value in ("mean", "sum") and isinstance(parent, ast.keyword):
        yield "reduction", node, repr("sum" if node.value == "mean" else "mean")


def subscript(node: ast.Subscript, at: Finder) -> Iterator[Change]:
    """Slices and indices off by one, new axes at another place."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for part in parts:
        for bound in (part.lower, part.upper) if isinstance(part, ast.Slice) else ():
            if bound is not None:
                number = _number(bound)
                yield "slice", bound, str(int(number) + 1) if number is not None else f"{at.text(bound)} - 1"
        if (index := _number(part)) is not None:
            yield "index", part, str(int(index) + 1)
    if len(parts) > 1 and any(isinstance(part, ast.Constant) and part.value is None for part in parts):
        texts = [at.text(part) for part in parts]
        yield "new axis", node.slice, ", ".join(reversed(texts))


def attribute(node: ast.Attribute, at: Finder) -> Iterator[Change]:
    """`.T` left out; another layer of the same kind of name; a function that is not called here."""
    if node.attr == "T" and not _is_library(node):
        yield "transpose dropped", node, at.text(node.value)
    parent = at.parents.get(node)
    if node.attr in _SWAPPED and _is_library(node) and not (isinstance(parent, ast.Call) and parent.func is node):
        yield from _renamed(node, node.attr, at)
    function = at.function(node)
    if (
        isinstance(node.ctx, ast.Load)
        and getattr(node.value, "id", "") == "self"
        and function
        and node.attr[-1:].isdigit()
    ):
        used = {
            n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "self"
        }
        for other in sorted(used - {node.attr}):
            if other.rstrip("0123456789") == node.attr.rstrip("0123456789"):
                yield "other layer", node, f"self.{other}"


# Statements


def assignment(node: ast.Assign | ast.AugAssign, at: Finder) -> Iterator[Change]:
    """Assignments that change what there was before left out; targets swapped; gradients stopped; numbers rounded."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    if isinstance(node, ast.AugAssign):
        yield "update dropped", node, "pass"
        sign = {ast.Add: "-=", ast.Sub: "+=", ast.Mult: "/=", ast.Div: "*="}.get(type(node.op))
        if sign:
            yield "sign", node, f"{at.text(target)} {sign} {at.text(node.value)}"
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Attribute):
        yield "stale buffer", node, "pass"
    elif isinstance(target, ast.Name) and _reads(node.value, target.id):
        yield "update dropped", node, "pass"
    if isinstance(target, ast.Tuple) and len(target.elts) > 1:
        texts = [at.text(element) for element in target.elts]
        yield "targets swapped", target, ", ".join([texts[1], texts[0], *texts[2:]])
    function = at.function(node)
    if function is None or function.name == "__init__" or not isinstance(target, ast.Name):
        return
    if isinstance(node.value, ast.Call | ast.BinOp) and not _is_static(node.value):
        yield "stop_gradient inserted", node.value, f"jax.lax.stop_gradient({at.text(node.value)})"
        yield "cast inserted", node.value, f"jnp.asarray({at.text(node.value)}).astype(jnp.int32)"


def _reads(value: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(value))


def _is_static(value: ast.expr) -> bool:
    """Whether it only counts: sizes of arrays, numbers."""
    names = {part.attr for part in ast.walk(value) if isinstance(part, ast.Attribute)}
    calls = [part for part in ast.walk(value) if isinstance(part, ast.Call)]
    return not calls or ("shape" in names and isinstance(value, ast.BinOp))


def branch(node: ast.If | ast.IfExp, at: Finder) -> Iterator[Change]:
    """The condition turned."""
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "polarity", node.test, f"(not ({at.text(node.test)}))"


def expression(node: ast.Expr, at: Finder) -> Iterator[Change]:
    """A call statement left out."""
    if isinstance(node.value, ast.Call) and _name(node.value.func) != "__init__":
        yield "update dropped", node, "pass"


def returned(node: ast.Return, at: Finder) -> Iterator[Change]:
    """The order of results."""
    if isinstance(node.value, ast.Tuple):
        yield from _reversed(node.value, at, "results swapped")
    function = at.function(node)
    if function is not None and isinstance(node.value, ast.Call | ast.BinOp) and function.name == "__call__":
        yield "stop_gradient inserted", node.value, f"jax.lax.stop_gradient({at.text(node.value)})"


_OPERATORS: dict[type[ast.AST], tuple[Callable[..., Iterator[Change]], ...]] = {
    ast.keyword: (keywords,), ast.Call: (called,), ast.BinOp: (arithmetic,), ast.Compare: (comparison,),
    ast.UnaryOp: (unary,), ast.BoolOp: (boolean,), ast.Constant: (constant,), ast.Subscript: (subscript,),
    ast.Attribute: (attribute,), ast.Assign: (assignment,), ast.AugAssign: (assignment,), ast.If: (branch,),
    ast.IfExp: (branch,), ast.Expr: (expression,), ast.Return: (returned,),
}  # fmt: skip
