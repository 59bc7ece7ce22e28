"""Calls of torch in code that loads data, where that code becomes NumPy: by the forms in `numpy_forms`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Dtype, Free, Number, Numpy, Tensor, Unknown, without_none
from torch2jax.rewrite.numpy_dtypes import dtype_of
from torch2jax.rewrite.precedence import PRIMARY, parenthesize
from torch2jax.rewrite.rewriter import Rewriter, argument, attribute, call, fitted, method_call
from torch2jax.rewrite.rule_calls import flag
from torch2jax.source.nodes import FIELDS, walk

FORMS = Path(__file__).parent / "numpy_forms"
HINT = "write it with NumPy, or apply it to the batches in the loop"
_DTYPES = {
    **{name: name for name in "float16 float32 float64 int8 int16 int32 int64 uint8 complex64 complex128".split()},
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
} | {"bool": "bool_"}
_LEGACY = {"Tensor": "float32", "FloatTensor": "float32", "DoubleTensor": "float64", "LongTensor": "int64"} | {
    "IntTensor": "int32",
    "BoolTensor": "bool_",
    "ByteTensor": "uint8",
}
# Methods that no list, string, table or array of another package has: what has one is a tensor.
_OF_TENSORS = frozenset(
    "float double half long numpy detach cpu contiguous clone dim ndimension numel permute view unsqueeze clamp".split()
)
_OF_TENSORS |= frozenset("expand expand_as index_select masked_fill gather scatter narrow unbind chunk unfold".split())
_OF_TENSORS |= frozenset("repeat_interleave type_as new_zeros new_ones new_tensor topk softmax sigmoid".split())
# Methods of arrays of both, which do something else in NumPy: all of them, or those with an argument.
_OTHERWISE = frozenset("std var transpose repeat nonzero sort".split())
_OTHERWISE_ALONG = frozenset("max min squeeze median".split())
_CONSTANTS = frozenset("pi inf nan e newaxis".split())


@dataclass(frozen=True, slots=True)
class Form:
    """What a function or method of torch is in NumPy: its parameters, and the expression that it returns."""

    names: tuple[str, ...]
    defaults: Mapping[str, cst.BaseExpression]
    star: str | None
    value: cst.BaseExpression
    marks: frozenset[str]


@cache
def forms(file: str) -> dict[str, Form]:
    """The forms in a file, by name."""
    found: dict[str, Form] = {}
    for node in cst.parse_module((FORMS / f"{file}.py").read_text(encoding="utf-8")).body:
        match node:
            case cst.FunctionDef(body=cst.IndentedBlock(body=[cst.SimpleStatementLine(body=[cst.Return(value)])])):
                found[node.name.value] = _form(node, value)
            case cst.SimpleStatementLine(body=[cst.Assign(targets=targets, value=cst.Name(value=name))]):
                found |= {t.target.value: found[name] for t in targets if isinstance(t.target, cst.Name)}
    return found


def _form(node: cst.FunctionDef, value: Any) -> Form:
    params = node.params
    star = params.star_arg.name.value if isinstance(params.star_arg, cst.Param) else None
    each = (*params.params, *params.kwonly_params)
    return Form(
        tuple(param.name.value for param in params.params),
        {param.name.value: param.default for param in each if param.default is not None},
        star,
        value,
        frozenset(mark.decorator.value for mark in node.decorators if isinstance(mark.decorator, cst.Name)),
    )


def dtype_in_numpy(name: str) -> str | None:
    """What NumPy calls a dtype or constant of torch: ``torch.long`` is ``int64``."""
    last = name.removeprefix("torch.")
    return _DTYPES.get(last) or (last if last in _CONSTANTS else None)


def function_call(rewriter: Rewriter, node: cst.Call, name: str) -> Any:
    """``torch.stack(xs)`` and its like."""
    last = name.rpartition(".")[2]
    special = _SPECIAL.get(last) if name == f"torch.{last}" else None
    if special is not None:
        made = special(rewriter, node)
    elif name == f"torch.{last}" and last in _LEGACY:
        made = _legacy(rewriter, node, _LEGACY[last])
    elif name == "torch.nn.utils.rnn.pad_sequence":
        made = _padded(rewriter, node)
    else:
        of_torch = name in (f"torch.{last}", f"torch.nn.functional.{last}")
        form = forms("functions").get(last) or forms("methods").get(last) if of_torch else None
        made = _filled_call(rewriter, node, form, last, node.args) if form is not None else None
    if made is None:
        return refused(rewriter, node, name)
    rewriter.tally.translated += 1
    if "float32" in cst.Module([]).code_for_node(made) and rewriter.program.changes_default_dtype:
        message = "the program changes the default dtype, and NumPy makes float32 here"
        flag(rewriter, node, "T2J205", message, "pass `dtype=`")
    return made


def method_of_tensor(rewriter: Rewriter, node: cst.Call, func: cst.Attribute) -> Any:
    """``x.float()`` and its like; None where nothing says that ``x`` is a tensor."""
    name, receiver = func.attr.value, without_none(rewriter.kind(func.value) or Numpy())
    known = isinstance(receiver, Tensor)
    in_place = name.endswith("_") and not name.startswith("_")
    if not known and not in_place and (name not in _OF_TENSORS or (isinstance(receiver, Numpy) and name == "view")):
        if isinstance(receiver, Free | Unknown) and not isinstance(receiver, Numpy):
            _note_other(rewriter, node, name)
        return None
    if name in ("to", "type"):
        made = _converted(rewriter, node, func)
    else:
        form = forms("methods").get(name)
        args = [cst.Arg(func.value), *node.args]
        made = _filled_call(rewriter, node, form, name, args) if form is not None else None
    if made is None:
        return refused(rewriter, node, f"torch.Tensor.{name}")
    if name == "sum" and dtype_of(rewriter, func.value) == "int":
        made = made.with_changes(args=[*made.args, argument(_numpy(rewriter, "int64"), "dtype")])
    if not known:
        message = f"assumed that what has `.{name}()` here is a tensor"
        flag(rewriter, node, "T2J202", message, "annotate it as torch.Tensor")
    rewriter.tally.translated += 1
    return made


def _note_other(rewriter: Rewriter, node: cst.Call, name: str) -> None:
    """A method of something unknown that does one thing in torch and another in NumPy."""
    if name in _OTHERWISE or (name in _OTHERWISE_ALONG and node.args):
        message = f"`.{name}()` of a NumPy array is not that of a tensor, and nothing says which of them this was"
        flag(rewriter, node, "T2J205", message, "annotate it as torch.Tensor or np.ndarray")


def refused(rewriter: Rewriter, node: cst.CSTNode, name: str) -> Any:
    """What has no form in NumPy stays, and is flagged."""
    flag(rewriter, node, "T2J101", f"{name} has no form in NumPy here, where data is loaded without PyTorch", HINT)
    return rewriter.generic(node) if name.startswith("torch.Tensor.") else rewriter.untranslated(node)


# arguments into forms


def _filled_call(
    rewriter: Rewriter, node: cst.Call, form: Form, name: str, args: Sequence[cst.Arg]
) -> cst.BaseExpression | None:
    values = _bound(form, args)
    if values is None:
        return None
    if "drawing" in form.marks:
        message = f"torch.{name} draws other numbers in PyTorch than NumPy does here"
        flag(rewriter, node, "T2J206", message)
    given: dict[str, Any] = {key: _translated(rewriter, _as_axes(key, value)) for key, value in values.items()}
    first = form.names[0] if form.names else None
    if "of_floats" in form.marks and first in given:
        given[first] = as_float(rewriter, values[first], given[first])
    value = form.value
    if (
        isinstance(value, cst.IfExp)
        and isinstance(value.test, cst.Comparison)
        and isinstance(value.test.left, cst.Name)
    ):
        value = value.orelse if value.test.left.value in given else value.body
    used = [part.value for part in walk(value) if isinstance(part, cst.Name)]
    if any(used.count(key) > 1 and not _is_simple(argument_) for key, argument_ in given.items()):
        return None
    made: cst.BaseExpression = _filled(rewriter, value, form, given)
    return made


def _bound(form: Form, args: Sequence[cst.Arg]) -> dict[str, Any] | None:
    """Arguments by the names of parameters; None where they do not fit."""
    values: dict[str, Any] = {}
    rest: list[Any] = []
    for arg in args:
        key = arg.keyword.value if arg.keyword is not None else None
        if arg.star:
            return None
        if key is not None and key in ("device", "pin_memory", "non_blocking", "requires_grad"):
            continue
        if key in ("axis", "keepdims") and key not in form.defaults:
            key = {"axis": "dim", "keepdims": "keepdim"}[key]
        if key is None and len(values) < len(form.names):
            key = form.names[len(values)]
        if key is None and form.star is not None:
            rest.append(arg.value)
        elif key is None or key in values or (key not in form.names and key not in form.defaults):
            return None
        elif not (isinstance(arg.value, cst.Name) and arg.value.value == "None"):
            values[key] = arg.value
    if form.star is not None:
        values[form.star] = rest[0] if len(rest) == 1 else tuple(rest)
    missing = [name for name in form.names if name not in values and name not in form.defaults]
    return values if not missing else None


def _as_axes(name: str, value: Any) -> Any:
    """Axes in a list, which NumPy wants in a tuple."""
    if name not in ("dim", "dims") or not isinstance(value, cst.List):
        return value
    axes = [element.value for element in value.elements if isinstance(element, cst.Element)]
    return tuple(axes) if len(axes) > 1 else axes[0] if axes else value


def _translated(rewriter: Rewriter, value: Any) -> Any:
    if isinstance(value, tuple):
        elements = [cst.Element(rewriter.expr(part)) for part in value]
        return cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return rewriter.expr(value)


def _is_simple(value: cst.BaseExpression) -> bool:
    return all(isinstance(part, cst.Name | cst.Attribute | cst.Integer) for part in walk(value))


def _filled(rewriter: Rewriter, node: Any, form: Form, given: Mapping[str, Any]) -> Any:
    """A form's expression with arguments for parameters; what hangs on a parameter that is None is decided."""
    match node:
        case cst.Name(value="np"):
            return rewriter.root("np")
        case cst.Name(value=name) if name in given:
            return given[name]
        case cst.Name(value=name) if name in form.defaults:
            return _filled(rewriter, form.defaults[name], form, {})
        case cst.IfExp(test=cst.Comparison(left=cst.Name(value=name))):
            return _filled(rewriter, node.orelse if name in given else node.body, form, given)
        case cst.Call():
            args = [part for arg in node.args for part in _filled_arg(rewriter, arg, form, given)]
            func = _filled(rewriter, node.func, form, given)
            return call(func, args)
    changes: dict[str, Any] = {}
    for name in FIELDS.get(type(node), ()):
        value = getattr(node, name)
        if isinstance(value, list | tuple):
            changes[name] = [_filled(rewriter, part, form, given) for part in value]
        elif value is not None and not isinstance(value, cst.MaybeSentinel):
            changes[name] = fitted(node, name, value, _filled(rewriter, value, form, given))
    return node.with_changes(**changes) if changes else node


def _filled_arg(rewriter: Rewriter, arg: cst.Arg, form: Form, given: Mapping[str, Any]) -> list[cst.Arg]:
    """An argument; none where it would be a default of NumPy's as well, several for sizes that are written out."""
    if arg.star and isinstance(arg.value, cst.Name):
        sizes = given[arg.value.value]
        if isinstance(sizes, cst.Tuple):
            return [cst.Arg(element.value) for element in sizes.elements]
        return [cst.Arg(sizes)]
    if arg.keyword is not None and isinstance(arg.value, cst.Name):
        default = form.defaults.get(arg.value.value)
        if arg.value.value not in given and default is not None and _spelled(default) in ("None", "False", "0"):
            return []
    return [arg.with_changes(value=_filled(rewriter, arg.value, form, given), comma=cst.MaybeSentinel.DEFAULT)]


def _spelled(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


# what depends on kinds


def as_float(rewriter: Rewriter, source: cst.CSTNode, value: Any) -> Any:
    """An operand of what makes floats: integers become float32 first, as torch has it."""
    plain = without_none(rewriter.kind(source) or Numpy())
    dtype = dtype_of(rewriter, source) if isinstance(plain, Tensor) else "float"
    if dtype in ("int", "bool"):
        return method_call(parenthesize(value, PRIMARY), "astype", [_numpy(rewriter, "float32")])
    if dtype is None:
        note_dtype(rewriter, source)
    return value


def note_dtype(rewriter: Rewriter, node: cst.CSTNode) -> None:
    """NumPy may give float64 where torch gives float32, by a dtype that is not known; said once for a function."""
    if rewriter.function in rewriter.warned:
        return
    rewriter.warned.add(rewriter.function)
    message = "if this is an array of integers, NumPy gives float64 here, and PyTorch its default"
    flag(rewriter, node, "T2J205", message, "make it float32 with `.float()` first")


def _numpy(rewriter: Rewriter, name: str) -> cst.Attribute:
    return attribute(rewriter.root("np"), name)


def _converted(rewriter: Rewriter, node: cst.Call, func: cst.Attribute) -> Any:
    """``x.to(torch.float32)`` is ``x.astype(np.float32)``; devices are dropped."""
    dtype = None
    for arg in node.args:
        kind = without_none(rewriter.kind(arg.value) or Numpy())
        if isinstance(kind, Dtype) or (arg.keyword is not None and arg.keyword.value == "dtype"):
            dtype = rewriter.expr(arg.value)
        elif isinstance(kind, Tensor):
            dtype = attribute(rewriter.expr(arg.value), "dtype")
    receiver = parenthesize(rewriter.expr(func.value), PRIMARY)
    return receiver if dtype is None else method_call(receiver, "astype", [dtype])


def _given(node: cst.Call, names: Sequence[str]) -> dict[str, cst.BaseExpression] | None:
    """Arguments by name; None where some are not written out."""
    if any(arg.star for arg in node.args) or sum(arg.keyword is None for arg in node.args) > len(names):
        return None
    places = iter(names)
    return {arg.keyword.value if arg.keyword is not None else next(places): arg.value for arg in node.args}


def _tensor(rewriter: Rewriter, node: cst.Call) -> Any:
    """``torch.tensor(data)``: Python's floats are float32, arrays keep their dtype."""
    given = _given(node, ("data", "dtype"))
    if given is None or "data" not in given:
        return None
    value = rewriter.expr(given["data"])
    if "dtype" in given:
        return call(_numpy(rewriter, "array"), [value, argument(rewriter.expr(given["dtype"]), "dtype")])
    kinds = _numbers(rewriter, given["data"])
    if kinds is None:
        return call(rewriter.helper("single_precision"), [value])
    dtype = [argument(_numpy(rewriter, "float32"), "dtype")] if "float" in kinds else []
    return call(_numpy(rewriter, "array"), [value, *dtype])


def _as_tensor(rewriter: Rewriter, node: cst.Call) -> Any:
    """``torch.as_tensor(data)``, which keeps an array."""
    given = _given(node, ("data", "dtype"))
    if given is None or "data" not in given:
        return None
    kind = without_none(rewriter.kind(given["data"]) or Dtype())
    if "dtype" not in given and not isinstance(kind, Numpy | Tensor):
        return _tensor(rewriter, node)
    dtype = [argument(rewriter.expr(given["dtype"]), "dtype")] if "dtype" in given else []
    return call(_numpy(rewriter, "asarray"), [rewriter.expr(given["data"]), *dtype])


def _numbers(rewriter: Rewriter, node: cst.BaseExpression) -> set[str] | None:
    """The types of the numbers that data is written with; None where it holds something else."""
    if isinstance(node, cst.List | cst.Tuple):
        parts = [_numbers(rewriter, element.value) for element in node.elements]
        known = [part for part in parts if part is not None]
        starred = any(isinstance(element, cst.StarredElement) for element in node.elements)
        return set().union(*known) if parts and len(known) == len(parts) and not starred else None
    match node:
        case cst.ListComp(elt=each):
            return _numbers(rewriter, each)
        case cst.Call(func=cst.Attribute(value=array, attr=cst.Name("item")), args=[]):
            dtype = dtype_of(rewriter, array)
            return {dtype} if dtype is not None else None
    kind = without_none(rewriter.kind(node) or Numpy())
    return {kind.type} if isinstance(kind, Number) else None


def _arange(rewriter: Rewriter, node: cst.Call) -> Any:
    """Integers are int64 in both; floats are float32 in torch."""
    plain = [arg for arg in node.args if arg.keyword is None]
    kinds = [without_none(rewriter.kind(arg.value) or Numpy()) for arg in plain]
    if any(arg.star for arg in node.args) or len(plain) < sum(
        arg.keyword is None or arg.keyword.value not in ("dtype", "device") for arg in node.args
    ):
        return None
    args: list[Any] = [rewriter.expr(arg).with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in plain]
    given = [arg for arg in node.args if arg.keyword is not None and arg.keyword.value == "dtype"]
    made = call(_numpy(rewriter, "arange"), args)
    if given:
        return method_call(made, "astype", [rewriter.expr(given[0].value)])
    if any(isinstance(kind, Number) and kind.type == "float" for kind in kinds):
        return method_call(made, "astype", [_numpy(rewriter, "float32")])
    return made


def _full(rewriter: Rewriter, node: cst.Call) -> Any:
    given = _given(node, ("size", "fill_value"))
    if given is None or not {"size", "fill_value"} <= given.keys():
        return None
    value = without_none(rewriter.kind(given["fill_value"]) or Numpy())
    if "dtype" in given:
        dtype = [argument(rewriter.expr(given["dtype"]), "dtype")]
    elif isinstance(value, Number):
        dtype = [argument(_numpy(rewriter, "float32"), "dtype")] if value.type == "float" else []
    else:
        return None
    return call(_numpy(rewriter, "full"), [rewriter.expr(given["size"]), rewriter.expr(given["fill_value"]), *dtype])


def _randint(rewriter: Rewriter, node: cst.Call) -> Any:
    places = sum(arg.keyword is None for arg in node.args)
    sized = any(arg.keyword is not None and arg.keyword.value == "size" for arg in node.args)
    given = _given(node, ("low", "high", "size") if places + sized > 2 else ("high", "size"))
    if given is None or not {"high", "size"} <= given.keys() or given.keys() - {"low", "high", "size", "generator"}:
        return None
    message = "torch.randint draws other numbers in PyTorch than NumPy does here"
    flag(rewriter, node, "T2J206", message)
    parts = [rewriter.expr(given[name]) for name in ("low", "high", "size") if name in given]
    if "low" not in given:
        parts[1] = argument(parts[1], "size")
    if "generator" in given:
        return method_call(parenthesize(rewriter.expr(given["generator"]), PRIMARY), "integers", parts)
    return call(attribute(_numpy(rewriter, "random"), "randint"), parts)


def _padded(rewriter: Rewriter, node: cst.Call) -> Any:
    if any(arg.keyword is not None and arg.keyword.value == "padding_side" for arg in node.args):
        return None
    return call(rewriter.helper("pad_samples"), [rewriter.expr(arg) for arg in node.args])


def _legacy(rewriter: Rewriter, node: cst.Call, dtype: str) -> Any:
    """``torch.LongTensor(values)``; a number would be a size."""
    if len(node.args) != 1 or node.args[0].star or isinstance(rewriter.kind(node.args[0].value), Number):
        return None
    value = rewriter.expr(node.args[0].value)
    return call(_numpy(rewriter, "array"), [value, argument(_numpy(rewriter, dtype), "dtype")])


_SPECIAL = {"tensor": _tensor, "as_tensor": _as_tensor, "asarray": _as_tensor, "arange": _arange} | {
    "full": _full,
    "randint": _randint,
}
