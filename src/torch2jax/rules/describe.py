"""What the rule book says of a torch name, as Markdown: for `torch2jax rules show` and the pages in docs/rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from torch2jax.rules import expr as ex
from torch2jax.rules.cache import RuleBook
from torch2jax.rules.model import Branch, Param, Rule, StateEntry

_EXAMPLES = 3
"""So many examples of a rule are shown."""


def status(rules: Sequence[Rule]) -> str:
    """Whether every use, some uses, or no use of a name is translated, and whether under assumptions."""
    branches = [branch for rule in rules for branch in rule.branches]
    if all(branch.template is None for branch in branches):
        return "not supported"
    if any(branch.template is None for branch in branches):
        return "in part"
    return "assumptions" if any(rule.caveats for rule in rules) else "supported"


def describe(rule: Rule, heading: str = "##") -> str:
    """One rule: how torch is called, what becomes of it, caveats and examples."""
    first, *others = rule.names
    parts = [f"{heading} {first}", f"`{_torch_call(rule)}`" + (f", also {_listed(others)}" if others else "")]
    parts += [rule.doc] if rule.doc else []
    remarks = "\n".join(_remarks(rule))
    parts += [remarks] if remarks else []
    if any(branch.template is not None for branch in rule.branches):
        parts.append("```python\n" + "\n".join(_code(rule)) + "\n```")
    return "\n\n".join(parts) + "\n"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _torch_call(rule: Rule) -> str:
    if rule.kind != "rule":
        return rule.name
    written: list[str] = []
    for param in rule.params:
        if param.kind == "kw_only" and not any(text.startswith("*") for text in written):
            written.append("*")
        written.append(_param(param))
    if rule.name.startswith("torch.Tensor."):
        return f"tensor.{rule.name.removeprefix('torch.Tensor.')}({', '.join(written[1:])})"
    return f"{rule.name}({', '.join(written)})"


def _param(param: Param) -> str:
    star = {"var_pos": "*", "var_kw": "**"}.get(param.kind, "")
    return f"{star}{param.name}" + (f"={ex.unparse(param.default)}" if param.default is not None else "")


def _remarks(rule: Rule) -> Iterator[str]:
    """Caveats, what is not supported, where channels stand, and how weights correspond."""
    yield from (f"- {caveat}" for caveat in rule.caveats)
    for branch in rule.branches:
        if branch.refusal is not None:
            where = f" where `{ex.unparse(branch.guard)}`" if branch.guard is not None else ""
            instead = f" Instead: {branch.refusal.hint}." if branch.refusal.hint else ""
            yield f"- Not supported{where}: {branch.refusal.reason}.{instead}"
    if rule.layout is not None:
        yield f"- Layout: {' '.join(rule.layout.source)} becomes {' '.join(rule.layout.target)}."
    if rule.state is not None:
        yield f"- Weights: {', '.join(f'`{_entry(entry)}`' for entry in rule.state.entries)}."


def _entry(entry: StateEntry) -> str:
    operations = "".join(".T" if op == "T" else f".transpose{op[1]}" for op in entry.ops)
    return f"{entry.flax} = {entry.torch}{operations}"


def _code(rule: Rule) -> Iterator[str]:
    for branch in rule.branches:
        if branch.template is not None:
            yield from _branch(branch)
    for example in rule.examples[:_EXAMPLES]:
        first, *more = example.source.splitlines()
        yield f">>> {first}"
        yield from (f">>> {line}" if not line.startswith((" ", ")", "]", "}")) else f"... {line}" for line in more)


def _branch(branch: Branch) -> list[str]:
    assert branch.template is not None
    result = f"return {ex.unparse(branch.template)}"
    return [result] if branch.guard is None else [f"if {ex.unparse(branch.guard)}:", f"    {result}"]


# ---- pages ----


def pages(book: RuleBook, folder: Path) -> Mapping[str, str]:
    """The page of each rule file of a folder, by file name, and the index of all names."""
    files: dict[str, list[Rule]] = {}
    for rule in book.rules():
        files.setdefault(Path(rule.file).relative_to(folder).with_suffix("").as_posix(), []).append(rule)
    texts = {
        page_name(family): _page(_title(folder / f"{family}.py"), family, rules)
        for family, rules in sorted(files.items())
    }
    return {"index.md": _index(book, folder), **texts}


def page_name(family: str) -> str:
    """The file name of a family's page: `tensor-shape.md` for rules/tensor/shape.py."""
    return f"{family.replace('/', '-')}.md"


def _title(path: Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return doc.splitlines()[0].rstrip(".")


def _page(title: str, family: str, rules: Sequence[Rule]) -> str:
    head = f"# {title}\n\n<!-- Written by docs/generate.py from rules/{family}.py. -->\n\n"
    return head + "\n".join(describe(rule) for rule in rules)


_INDEX = """# Names that have a rule

<!-- Written by docs/generate.py from rules/. -->

`supported`: every use is translated. `assumptions`: so it is, with the caveats on the page. `in part`: uses that are
not are flagged, for the reasons on the page. `not supported`: always flagged. Names that are not here have no rule
(T2J101).

"""


def _index(book: RuleBook, folder: Path) -> str:
    """All names by page, and why those that are not supported are not."""
    lines = ["| torch | status | |", "|---|---|---|"]
    for rules, names in sorted(_by_rules(book).items(), key=lambda item: item[1][0]):
        family = Path(rules[0].file).relative_to(folder).with_suffix("").as_posix()
        page = f"[{family}]({page_name(family)})"
        reason = f": {_reason(rules)}" if status(rules) == "not supported" else ""
        lines.append(f"| {_listed(names)} | {status(rules)} | {page}{reason} |")
    return _INDEX + "\n".join(lines) + "\n"


def _by_rules(book: RuleBook) -> dict[tuple[Rule, ...], list[str]]:
    """Names that have the same rules, together."""
    found: dict[tuple[Rule, ...], list[str]] = {}
    for name in book.names():
        found.setdefault(book.lookup(name), []).append(name)
    return found


def _reason(rules: Sequence[Rule]) -> str:
    refusal = rules[-1].branches[-1].refusal
    assert refusal is not None
    return refusal.reason + (f"; {refusal.hint}" if refusal.hint else "")
