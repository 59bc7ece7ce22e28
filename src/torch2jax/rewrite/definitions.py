"""Functions and classes: ``forward`` becomes ``__call__``, ``rngs`` is passed, constructors start the state."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import libcst as cst

from torch2jax.infer.autograd import BASES, plan_of
from torch2jax.infer.derived import is_class, is_kept, root_of, rule_of
from torch2jax.infer.facts import Relayout
from torch2jax.infer.kinds import Api
from torch2jax.infer.layout import describe
from torch2jax.infer.program import ClassInfo, FunctionInfo
from torch2jax.infer.rule_layers import default_layer
from torch2jax.rewrite.blocks import suite
from torch2jax.rewrite.contexts import AUTOCAST, DECORATORS, NO_GRAD, called_api, disabled, translated_body
from torch2jax.rewrite.derived import flax_base, inherited_call, inherited_constructor, with_forwarded
from torch2jax.rewrite.handed import with_gradients
from torch2jax.rewrite.host import received_lines
from torch2jax.rewrite.kept_functions import with_methods
from torch2jax.rewrite.numpy_code import data_class, data_definition
from torch2jax.rewrite.references import VALUES, annotation
from torch2jax.rewrite.rewriter import Rewriter, assignment, attribute, call, statement
from torch2jax.rewrite.rule_calls import flag, flag_refused
from torch2jax.rewrite.statements import transposition
from torch2jax.rules.aliases import canonical
from torch2jax.source.nodes import walk

DETERMINISTIC = "deterministic"
Definition = TypeVar("Definition", cst.FunctionDef, cst.ClassDef)


def function_definition(rewriter: Rewriter, node: cst.FunctionDef) -> cst.FunctionDef:
    """A function with its parameters, decorators and body translated."""
    known = rewriter.program.functions.get(node)
    if known is None:
        return node  # never reached
    info = known
    if info.is_host and rewriter.program.uses_grain:
        return data_definition(rewriter, node, info)
    if info.is_host:
        return kept_definition(rewriter, node, [info])
    decorators = _decorators(rewriter, node)
    no_grad = any(called_api(rewriter, decorator.decorator) in NO_GRAD for decorator in node.decorators)
    params = rewriter.generic(node.params)
    returns = annotation(rewriter, node.returns) if node.returns is not None else None
    outer, rewriter.function = rewriter.function, info
    taken, rewriter.taken = rewriter.taken, set(rewriter.scope_names(node))
    prefix = [*_declarations(info), *_prefix(rewriter, info)]
    if no_grad:
        new_body = translated_body(rewriter, node, lambda: suite(rewriter, node.body))
    else:
        new_body = suite(rewriter, node.body)
    new_body = _with_prefix(new_body, prefix)
    if info.appends_result:
        new_body, returns = _with_result(rewriter, info, new_body), None
    rewriter.function, rewriter.taken = outer, taken
    for definition in info.facts.definitions:
        if definition not in rewriter.placed:
            flag(rewriter, node, "T2J106", "a name has to change its axis order where no statement can stand")
            break
    name = node.name
    if info.is_forward and info.is_method:
        name = cst.Name("__call__")
    params = with_gradients(rewriter, info, with_forwarded(info, params))
    params = _without_starred(params, info, new_body)
    if _takes_rngs(info):
        params = with_rngs(rewriter, params)
    note = _interface_note(rewriter, node, info)
    lines = [*node.leading_lines, *note]
    return node.with_changes(
        name=name, params=params, returns=returns, body=new_body, decorators=decorators, leading_lines=lines
    )


def kept_definition(rewriter: Rewriter, node: Definition, functions: Sequence[FunctionInfo]) -> Definition:
    """A function or class of the data loading, as it is; marked where that can't be right."""
    rewriter.kept.add(node)
    rewriter.tally.translated += 1
    texts = dict.fromkeys(f.message for info in functions for f in info.facts.findings.values() if f.code < "T2J2")
    marks: list[cst.EmptyLine] = [
        cst.EmptyLine(comment=cst.Comment(f"# TODO(torch2jax): T2J111 {text}")) for text in texts
    ]
    lines: list[cst.EmptyLine] = [*node.leading_lines, *marks]
    return node.with_changes(leading_lines=lines) if marks else node


def _without_starred(params: cst.Parameters, info: FunctionInfo, body: cst.BaseSuite) -> cst.Parameters:
    """The parameters without the ``*args`` and ``**kwargs`` that were found to be always empty, and left out."""
    if not (info.drops_keywords or info.drops_positional):
        return params
    used = {part.value for part in walk(body) if isinstance(part, cst.Name)}
    star, kwarg = params.star_arg, params.star_kwarg
    if info.drops_keywords and kwarg is not None and kwarg.name.value not in used:
        kwarg = None
    if info.drops_positional and isinstance(star, cst.Param) and star.name.value not in used:
        star = cst.ParamStar() if params.kwonly_params else cst.MaybeSentinel.DEFAULT
    if star is params.star_arg and kwarg is params.star_kwarg:
        return params
    params = params.with_changes(star_arg=star, star_kwarg=kwarg)
    if kwarg is not None:
        return params
    if params.kwonly_params:
        return params.with_changes(kwonly_params=_unended(params.kwonly_params))
    if isinstance(star, cst.Param):
        return params.with_changes(star_arg=star.with_changes(comma=cst.MaybeSentinel.DEFAULT))
    return params.with_changes(params=_unended(params.params))


def _unended(params: Sequence[cst.Param]) -> list[cst.Param]:
    """Parameters without a comma after the last."""
    return [*params[:-1], *(param.with_changes(comma=cst.MaybeSentinel.DEFAULT) for param in params[-1:])]


def _declarations(info: FunctionInfo) -> list[Any]:
    """``nonlocal`` and ``global`` for names of a scope around, which are assigned where PyTorch changes in place."""
    lines = []
    for keyword, of_file in ((cst.Nonlocal, False), (cst.Global, True)):
        names = sorted(name for name in info.facts.outer_writes if _is_of_file(info, name) is of_file)
        if names:
            lines.append(statement(keyword([cst.NameItem(cst.Name(name)) for name in names])))
    return lines


def _is_of_file(info: FunctionInfo, name: str) -> bool:
    outer = info.parent
    while outer is not None:
        if name in outer.closure:
            return False
        outer = outer.parent
    return True


def _with_result(rewriter: Rewriter, info: FunctionInfo, block: Any) -> Any:
    """A function that changed its arguments in place returns them."""
    names = [cst.Name(name) for name in info.new_values]
    value = names[0] if len(names) == 1 else cst.Tuple([cst.Element(name) for name in names], lpar=[], rpar=[])
    if isinstance(block, cst.SimpleStatementSuite):
        block = cst.IndentedBlock([cst.SimpleStatementLine(block.body)])
    block = block.visit(_Returns(value))
    last = block.body[-1]
    ends = isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], cst.Return | cst.Raise)
    return block if ends else block.with_changes(body=[*block.body, statement(cst.Return(value))])


class _Returns(cst.CSTTransformer):
    """Every ``return`` of a function gives the same value."""

    def __init__(self, value: cst.BaseExpression) -> None:
        self._value = value

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        return False

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return:
        return updated_node.with_changes(value=self._value, whitespace_after_return=cst.SimpleWhitespace(" "))


def _interface_note(rewriter: Rewriter, node: cst.FunctionDef, info: FunctionInfo) -> list[cst.EmptyLine]:
    """A comment, and a diagnostic, where a function takes or gives arrays in another axis order than the source's."""
    orders = [f"{n}: {describe(layout, len(layout))}" for n, layout in info.param_layouts.items() if layout is not None]
    result = info.result_layout
    if result is not None:
        parts = [part for part in result[1:] if part is not None] if result[0] == "tuple" else [result]
        names = {describe(part, len(part)) for part in parts if part[:1] != ("tuple",)}
        orders.append(f"result: {', '.join(sorted(names))}")
    if not orders:
        return []
    text = "; ".join(orders)
    owner = f"{info.owner.name}." if info.owner is not None else ""
    message = f"{owner}{info.name} is used inside the project only and works on channel-last data ({text})"
    flag(rewriter, node, "T2J302", message)
    return [cst.EmptyLine(comment=cst.Comment(f"# {text}"))]


def _takes_rngs(info: FunctionInfo) -> bool:
    if info.name == "__init__" and info.owner is not None:
        return info.owner.takes_rngs
    return info.takes_rngs


def _decorators(rewriter: Rewriter, node: cst.FunctionDef) -> list[cst.Decorator]:
    kept = []
    for decorator in node.decorators:
        name = called_api(rewriter, decorator.decorator)
        if name in DECORATORS:
            rewriter.tally.dropped += 1
            continue
        if name in AUTOCAST and disabled(decorator.decorator):
            rewriter.tally.dropped += 1
            continue
        if name in AUTOCAST or (name or "").startswith(("torch.cuda.amp.custom", "torch.amp.custom")):
            flag(rewriter, decorator.decorator, "T2J205", f"{name} is dropped: computed in the dtype of the inputs")
            continue
        kept.append(decorator.with_changes(decorator=rewriter.expr(decorator.decorator)))
    return kept


def _prefix(rewriter: Rewriter, info: FunctionInfo) -> list[Any]:
    """What has to happen before the body: parameters into their layout, the module's own streams."""
    lines: list[Any] = []
    params = info.parameters()
    assert params is not None
    for param in (*params.posonly_params, *params.params, *params.kwonly_params):
        lines += received_lines(rewriter, [param])
        relayout = info.facts.definitions.get(param)
        if isinstance(relayout, Relayout):
            lines.append(transposition(rewriter, param, relayout))
    if info.name == "__init__" and info.owner is not None:
        lines += _state(info.owner)
    return lines


def _state(cls: ClassInfo) -> list[Any]:
    """Attributes that torch's modules have by themselves."""
    lines: list[Any] = []
    receiver = cst.Name("self")
    if cls.holds_rngs and not any(base.holds_rngs and "__init__" in base.methods for base in cls.mro()[1:]):
        lines.append(statement(assignment(attribute(receiver, "rngs"), call(attribute(cst.Name("rngs"), "fork"), []))))
    if cls.reads_training:
        lines.append(statement(assignment(attribute(receiver, DETERMINISTIC), cst.Name("False"))))
    return lines


def _with_prefix(block: Any, prefix: Sequence[Any]) -> Any:
    """Statements at the start of a body, after its docstring."""
    if not prefix:
        return block
    if isinstance(block, cst.SimpleStatementSuite):
        block = cst.IndentedBlock([cst.SimpleStatementLine(block.body)])
    at = 1 if block.body and _is_docstring(block.body[0]) else 0
    statements = [*block.body[:at], *prefix, *block.body[at:]]
    statements = [s for s in statements if not _is_lone_pass(s)] if len(statements) > 1 else statements
    return block.with_changes(body=statements)


def _is_lone_pass(node: Any) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1 and isinstance(node.body[0], cst.Pass)


def _is_docstring(node: Any) -> bool:
    return (
        isinstance(node, cst.SimpleStatementLine)
        and isinstance(node.body[0], cst.Expr)
        and isinstance(node.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def with_rngs(rewriter: Rewriter, params: cst.Parameters) -> cst.Parameters:
    """One more keyword-only parameter, ``rngs: nnx.Rngs``."""
    every = [*params.posonly_params, *params.params, *params.kwonly_params]
    if any(param.name.value == "rngs" for param in every):
        return params
    param = cst.Param(
        cst.Name("rngs"), annotation=cst.Annotation(attribute(rewriter.root("nnx"), "Rngs")), default=None
    )
    kwonly = list(params.kwonly_params)
    star = params.star_arg
    if isinstance(star, cst.Param) and not kwonly:
        every.append(star)
    multiline, comma = _layout_of(every)
    if not kwonly and not isinstance(star, cst.Param):
        star = cst.ParamStar(comma=comma)
    changes: dict[str, Any] = {}
    if multiline is not None and params.star_kwarg is None:
        last = every[-1]
        comment = _comment(last.comma) or _comment(last.whitespace_after_param)
        moved = last.with_changes(comma=_commented(comma, comment), whitespace_after_param=cst.SimpleWhitespace(""))
        if last is star:
            star = moved
        else:
            changes = _replace_last(params, moved)
        kwonly = list(changes.get("kwonly_params", kwonly))
        after = _commented(last.whitespace_after_param, None)
        param = param.with_changes(comma=_commented(multiline, None), whitespace_after_param=after)
    changes["kwonly_params"] = [*kwonly, param]
    changes["star_arg"] = star
    return params.with_changes(**changes)


def _layout_of(every: Sequence[cst.Param]) -> tuple[Any, cst.Comma]:
    """The trailing comma of parameters that stand a line each (None otherwise), and the comma between them."""
    plain = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if not every:
        return None, plain
    between = next((_commented(p.comma, None) for p in every[:-1] if isinstance(p.comma, cst.Comma)), plain)
    last = every[-1]
    if isinstance(last.comma, cst.Comma):
        return last.comma, between if len(every) > 1 else plain
    spread = isinstance(last.whitespace_after_param, cst.ParenthesizedWhitespace)
    return (cst.MaybeSentinel.DEFAULT if spread else None), between


def _comment(space: Any) -> cst.Comment | None:
    """The comment that ends the line in white space, or behind a comma."""
    space = space.whitespace_after if isinstance(space, cst.Comma) else space
    return space.first_line.comment if isinstance(space, cst.ParenthesizedWhitespace) else None


def _commented(space: Any, comment: cst.Comment | None) -> Any:
    """White space, or a comma with it, with this comment and no other."""
    if isinstance(space, cst.Comma):
        return space.with_changes(whitespace_after=_commented(space.whitespace_after, comment))
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return space
    gap = cst.SimpleWhitespace("  " if comment is not None else "")
    line = space.first_line.with_changes(comment=comment, whitespace=gap)
    return space.with_changes(first_line=line, empty_lines=[])


def _replace_last(params: cst.Parameters, last: cst.Param) -> dict[str, Any]:
    for name in ("kwonly_params", "params", "posonly_params"):
        group = list(getattr(params, name))
        if group:
            return {name: [*group[:-1], last]}
    return {}


def class_definition(rewriter: Rewriter, node: cst.ClassDef) -> cst.ClassDef:
    """A class: its bases, its body, and a constructor where its state needs one."""
    found = rewriter.program.classes.get(node)
    if found is None:
        return node  # never reached
    cls = found
    if cls.is_host and rewriter.program.uses_grain:
        return data_class(rewriter, node, cls)
    if cls.is_host:
        return kept_definition(rewriter, node, list(cls.methods.values()))
    bases = [_base(rewriter, cls, base) for base in node.bases if not _is_foreign(rewriter, cls, base)]
    if cls.is_module and not bases:
        bases = [cst.Arg(attribute(rewriter.root("nnx"), "Module"))]
    decorators = [d.with_changes(decorator=rewriter.expr(d.decorator)) for d in node.decorators]
    outer, rewriter.owner = rewriter.owner, cls
    new_body = suite(rewriter, node.body)
    rewriter.owner = outer
    new_body = _with_call(rewriter, cls, _with_constructor(rewriter, cls, new_body))
    new_body = with_methods(rewriter, cls, new_body)
    if cls.is_module and "forward" in cls.methods and "__call__" in cls.methods:
        flag(rewriter, node, "T2J107", f"{cls.name} has both forward and __call__", "keep one of them")
    return node.with_changes(bases=bases, decorators=decorators, body=new_body)


_BY_HAND: Final = "write it by hand; `sample` and `rsample` take `rngs` first"


def _is_foreign(rewriter: Rewriter, cls: ClassInfo, base: cst.Arg) -> bool:
    """Whether a base is a class of torch that is none in Flax: the file must still import without it."""
    kind = rewriter.kind(base.value)
    if not isinstance(kind, Api) or not kind.name.startswith("torch.") or canonical(kind.name) in VALUES:
        return False
    rules = rewriter.program.book.lookup(kind.name)
    if rules and rules[-1].result == "Module" and (is_class(default_layer(rules[-1])) or is_kept(rules[-1])):
        return False
    if kind.name in BASES:
        flag(rewriter, base.value, "T2J103", plan_of(rewriter.program, cls).cause, "write it with jax.custom_vjp")
        return True
    if flag_refused(rewriter, base.value, kind.name):
        return True
    if rules:
        if rules[-1].result == "Object":
            flag(rewriter, base.value, "T2J103", f"classes that derive from {kind.name} are not translated", _BY_HAND)
            return True
        message = f"{kind.name} is a function in Flax and can't be derived from"
        flag(rewriter, base.value, "T2J103", message, "call it instead")
        return True
    flag(rewriter, base.value, "T2J101", f"{kind.name} has no rule")
    return True


def _base(rewriter: Rewriter, cls: ClassInfo, base: cst.Arg) -> cst.Arg:
    kind = rewriter.kind(base.value)
    if isinstance(kind, Api) and canonical(kind.name) not in VALUES:
        rule = rule_of(rewriter.program, cls)
        if rule is not None and rule in rewriter.program.book.lookup(kind.name):
            rewriter.tally.translated += 1
            return base.with_changes(value=flax_base(rewriter, cls))
    return base.with_changes(value=rewriter.expr(base.value))


def _with_constructor(rewriter: Rewriter, cls: ClassInfo, block: Any) -> Any:
    """A class that draws numbers, reads its mode, or stands for a layer, but has no constructor, gets what it lacks."""
    if not cls.is_module or "__init__" in cls.methods:
        return block
    lines: list[Any] = []
    inherits = any("__init__" in base.methods for base in cls.mro()[1:])
    if cls.reads_training:
        lines.append(statement(assignment(cst.Name(DETERMINISTIC), cst.Name("False"))))
    constructor = (
        inherited_constructor(rewriter, cls, _own_stream(cls)) if root_of(cls) is cls and not inherits else None
    )
    if constructor is not None:
        lines.append(constructor.with_changes(params=with_rngs(rewriter, constructor.params)))
    elif (cls.holds_rngs or cls.is_value) and not inherits:
        lines.append(_constructor(rewriter, cls))
    if isinstance(block, cst.SimpleStatementSuite):
        return block if not lines else cst.IndentedBlock(lines)
    return _spaced(_with_prefix(block, lines))


def _with_call(rewriter: Rewriter, cls: ClassInfo, block: Any) -> Any:
    """A class that inherits the forward of a layer which is none in Flax gets a call of its own."""
    method = inherited_call(rewriter, cls) if cls.is_module else None
    if method is None:
        return block
    if isinstance(block, cst.SimpleStatementSuite):
        block = cst.IndentedBlock([cst.SimpleStatementLine(block.body)])
    kept = [part for part in block.body if not _is_lone_pass(part)]
    return _spaced(block.with_changes(body=[*kept, method]))


def _spaced(block: Any) -> Any:
    """A blank line between a method that was put in and what comes after it."""
    statements = list(block.body)
    for index, (first, second) in enumerate(itertools.pairwise(statements), 1):
        if not isinstance(first, cst.FunctionDef | cst.SimpleStatementLine) or not isinstance(second, cst.FunctionDef):
            continue
        if not any(line.comment is None for line in second.leading_lines):
            statements[index] = second.with_changes(leading_lines=[_BLANK, *second.leading_lines])
    return block.with_changes(body=statements)


_BLANK = cst.EmptyLine(indent=False)


def _own_stream(cls: ClassInfo) -> list[Any]:
    """The stream of random numbers of a module that draws some."""
    if not cls.holds_rngs:
        return []
    fork = call(attribute(cst.Name("rngs"), "fork"), [])
    return [statement(assignment(attribute(cst.Name("self"), "rngs"), fork))]


def _constructor(rewriter: Rewriter, cls: ClassInfo) -> cst.FunctionDef:
    params = cst.Parameters([cst.Param(cst.Name("self"))])
    lines = _own_stream(cls)
    return cst.FunctionDef(
        cst.Name("__init__"),
        with_rngs(rewriter, params),
        cst.IndentedBlock(lines or [statement(cst.Pass())]),
        leading_lines=[],
        lines_after_decorators=[],
    )
