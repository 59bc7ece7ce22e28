"""The last stage: a rewritten file with its imports, helpers, marks and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.infer.program import FileInfo, FunctionInfo, Program, helper_of
from torch2jax.report import Diagnostic, Severity, severity_of
from torch2jax.rewrite import blocks, calls, class_comparisons, compound, expressions, references, statements
from torch2jax.rewrite.comments import has_comments_inside
from torch2jax.rewrite.helper_library import helper_requirements, library, place, render_module, render_section, reserve
from torch2jax.rewrite.host import kept_ids
from torch2jax.rewrite.imports import edit_imports, read_names, requirements_for
from torch2jax.rewrite.leftovers import flag_leftovers, may_hold_leftovers
from torch2jax.rewrite.line_marks import LineMarks
from torch2jax.rewrite.rewriter import Rewriter, assignment, attribute, call, number, statement
from torch2jax.rewrite.wrapping import limit_of, wrap
from torch2jax.rules.aliases import canonical
from torch2jax.source.printing import code_of
from torch2jax.source.scope import Binding

# importing them registers their node types
_HANDLERS = (calls, class_comparisons, compound, expressions, references, statements)


@dataclass(slots=True)
class Emitted:
    """One file's output and what is to be said of it."""

    code: str
    diagnostics: list[Diagnostic] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    transposes: int = 0
    translated: int = 0
    flagged: int = 0
    dropped: int = 0
    trace: tuple[Any, ...] = ()


def emit_file(
    program: Program, file: FileInfo, binding: Binding, *, helpers_level: int | None, line_marks: bool = False
) -> Emitted:
    """Rewrite and print one file. Helpers are imported at this level (0: absolute), or follow at its end (None).

    ``line_marks``: with a comment above each statement that says where it comes from (see `line_marks`).
    """
    assert file.main is not None
    rewriter = Rewriter(program, file, file.main, comments_inside=has_comments_inside(file.source))
    rewriter.line_marks = LineMarks.of(file) if line_marks else None
    rewriter.binding_names = frozenset(binding.imports) | frozenset(n for s in binding.star_imports for n in s.names)
    rewriter.binding_names |= frozenset(_star_names(file, binding))
    rewriter.scopes = dict(binding.scope_of)
    rewriter.taken = set(rewriter.scope_names(file.tree))
    freed = _freed(program, binding)
    bound = {name for scope in binding.scope_of.values() for name in scope.names} - freed
    clashing = bound & library().files.keys()
    rewriter.helper_names = {name: reserve([name], bound)[name] for name in sorted(clashing)}
    body = blocks.body(rewriter, file.tree.body, of_file=True)
    if file.main.needs_rngs:
        body = _with_rngs(rewriter, body, binding)
    tree = file.tree.with_changes(body=body)
    tree = _finish(rewriter, tree, binding, helpers_level, freed)
    findings = [*_findings(file), *rewriter.findings]
    flagged_nodes = {finding.node for finding in findings if severity_of(finding.code) is Severity.ERROR}
    code = code_of(tree, tree)
    if may_hold_leftovers(code):
        tree, leftovers = flag_leftovers(file.tree, tree, binding, flagged_nodes, program.book, kept_ids(rewriter))
        findings += leftovers
        code = code_of(tree, tree) if leftovers else code
    diagnostics = _positioned(file, findings)
    flagged = sum(1 for d in diagnostics if d.severity is Severity.ERROR)
    tally = rewriter.tally
    return Emitted(
        code,
        diagnostics,
        rewriter.helpers,
        tally.transposes,
        tally.translated,
        flagged,
        tally.dropped,
        tuple((rule.name, rule.file, rule.line, branch) for rule, branch in rewriter.trace),
    )


def _star_names(file: FileInfo, binding: Binding) -> Iterable[str]:
    return file.names if binding.star_imports else ()


def _freed(program: Program, binding: Binding) -> set[str]:
    """Names that only an import of torch binds, of a class in whose place a helper of the same name comes."""
    scopes = {binding.module: None, **dict.fromkeys(binding.scope_of.values())}
    return {
        found.name
        for found in binding.import_list
        if helper_of(program, canonical(found.qualified)) == found.name
        and sum(len(scope.names.get(found.name, ())) for scope in scopes) == 1
    }


def _finish(
    rewriter: Rewriter, tree: cst.Module, binding: Binding, helpers_level: int | None, freed: set[str]
) -> cst.Module:
    """Imports and helpers. ``freed``: names of imports that helpers may have."""
    needed = requirements_for(rewriter.names)
    taken = {name for scope in binding.scope_of.values() for name in scope.names} - freed
    rename = reserve(rewriter.helpers, taken) if rewriter.helpers else {}
    rename |= {name: local for name, local in rewriter.helper_names.items() if name in rename}
    section = None
    if rewriter.helpers and helpers_level is None:
        section = render_section(rewriter.helpers, rename)
        needed = [*needed, *section.requirements]
    elif rewriter.helpers and helpers_level is not None:
        needed = [*needed, *helper_requirements(rewriter.helpers, rename, level=helpers_level)]
    tree = edit_imports(tree, needed, read_before=read_names(binding), replaced=freed & {*rename})
    same = rewriter.line_marks.unchanged if rewriter.line_marks is not None else ()
    tree = wrap(tree, rewriter.file.tree, limit_of(rewriter.file.source), same=same)
    if section is not None:
        tree = place(tree, section)
    return tree


def _with_rngs(rewriter: Rewriter, body: list[Any], binding: Binding) -> list[Any]:
    """``rngs = nnx.Rngs(0)`` before the first statement of a script that needs it."""
    for index, node in enumerate(body):
        if isinstance(node, cst.FunctionDef | cst.ClassDef) or not _reads_rngs(node):
            continue
        if rewriter.function.has_own_rngs:
            return body
        seed = call(attribute(rewriter.root("nnx"), "Rngs"), [number(0)])
        line = statement(assignment(cst.Name("rngs"), seed))
        if isinstance(node, cst.If) and isinstance(node.body, cst.IndentedBlock):
            inner = node.body.with_changes(body=[line, *node.body.body])
            return [*body[:index], node.with_changes(body=inner), *body[index + 1 :]]
        lines = getattr(node, "leading_lines", ())
        return [
            *body[:index],
            line.with_changes(leading_lines=lines),
            node.with_changes(leading_lines=[]),
            *body[index + 1 :],
        ]
    return body


def _reads_rngs(node: cst.CSTNode) -> bool:
    from torch2jax.source.nodes import walk

    return any(isinstance(part, cst.Name) and part.value == "rngs" for part in walk(node))


def helpers_module(names: Iterable[str]) -> str:
    """The module of helpers that a converted package shares."""
    return render_module(names)


def _findings(file: FileInfo) -> list[Finding]:
    functions: list[FunctionInfo] = [*file.functions]
    if file.main is not None:
        functions.append(file.main)
    return [finding for fn in functions for finding in fn.facts.findings.values()]


def _positioned(file: FileInfo, findings: list[Finding]) -> list[Diagnostic]:
    """Findings with lines and columns; positions are computed only where there is something to report."""
    if not findings:
        return []
    spans = file.spans({finding.node for finding in findings})
    result: dict[tuple[Any, ...], Diagnostic] = {}
    for finding in findings:
        span = spans.get(finding.node)
        start = (span.line, span.column) if span is not None else (0, 0)
        end = (span.end_line, span.end_column) if span is not None else (0, 0)
        diagnostic = Diagnostic(
            finding.code, severity_of(finding.code), finding.message, finding.hint, file.path, *start, *end
        )
        result[finding.code, start, finding.message] = diagnostic
    return sorted(result.values(), key=lambda d: d.sort_key)
