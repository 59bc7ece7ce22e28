"""The imports of an output: what torch needed goes, what JAX needs comes, everything else stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

import libcst as cst

from torch2jax.rewrite.import_insertion import Anchor, insert_imports, join_imports, section_of_line
from torch2jax.rewrite.import_removal import Removal, Statement, join_lines
from torch2jax.rewrite.requirements import ROOTS, Requirement, choose_aliases, dotted, is_plain_import_of, section_of
from torch2jax.source.scope import Binding, ImportBinding, Scope, bind, children, resolve, walk

__all__ = ["REMOVABLE", "ROOTS", "Requirement", "choose_aliases", "edit_imports", "read_names", "requirements_for"]

# Packages whose imports go once nothing refers to them.
REMOVABLE: Final = frozenset({"torch", "torchvision", "torchaudio", "timm", "einops.layers.torch"})
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def requirements_for(roots: Iterable[str], aliases: dict[str, str] | None = None) -> list[Requirement]:
    """The imports of `ROOTS` under the names that `choose_aliases` gave them."""
    return [ROOTS[root].called((aliases or {}).get(root, root)) for root in sorted(set(roots))]


def read_names(binding: Binding) -> set[str]:
    """Every name that a file looks up in any scope."""
    return {name for scope in _scopes(binding) for name in scope.reads}


def edit_imports(
    module: cst.Module,
    needed: Iterable[Requirement] = (),
    *,
    removable: Collection[str] = REMOVABLE,
    read_before: Collection[str] = (),
    exported: Callable[[str], Collection[str]] | None = None,
    replaced: Collection[str] = (),
) -> cst.Module:
    """Remove the imports that a rewritten module no longer refers to, and add those it needs.

    New imports stand where the first removed one of another package stood, else behind the imports of the file, sorted
    as isort does. A module in which nothing changes is returned itself.

    Args:
        module: the file after rewriting.
        needed: what must be imported, as local names (see `choose_aliases`).
        removable: packages and modules whose unused imports go.
        read_before: names that the file looked up before rewriting; unused imports of these go whatever their package.
        exported: public names of a module that is star-imported; such an import stays while one of them is in use.
        replaced: names of which the file has a definition of its own now, so that their imports go.
    """
    binding = bind(module, exported=exported)
    dropped = _unused_imports(binding, removable, frozenset(read_before))
    dropped |= {found.node for found in binding.import_list if found.name in replaced}
    missing = [r for r in _distinct(needed) if not _is_bound(binding, r, dropped)]
    if not dropped and not missing:
        return module
    joined, missing = join_imports(module.body, missing, dropped)
    takes_place = any(section_of(r.module, r.level) == 2 for r in missing)
    body, footer, anchor = _without(joined, dropped, takes_place=takes_place)
    crowded = bool(module.header) and module.header[-1].comment is not None
    if missing:
        body = insert_imports(body, missing, anchor, crowded=crowded)
    if body and not module.header and body[0] not in module.body[:1]:
        body = [_without_blank_lines_above(body[0]), *body[1:]]
    footer = [*footer, *module.footer]
    newline = module.has_trailing_newline if body and module.body else bool(body or module.header or footer)
    return module.with_changes(body=body, footer=footer, has_trailing_newline=newline)


def _distinct(needed: Iterable[Requirement]) -> list[Requirement]:
    return sorted(set(needed), key=lambda r: (r.module, r.name or "", r.local))


def _is_bound(binding: Binding, requirement: Requirement, dropped: Collection[cst.CSTNode]) -> bool:
    """Whether an import that always runs when the module is loaded binds the required name already."""
    return any(
        found.name == requirement.local
        and found.scope is binding.module
        and is_plain_import_of(found, requirement)
        and found.node not in dropped
        for found in binding.import_list
    )


# What is unused.


def _unused_imports(binding: Binding, removable: Collection[str], read_before: frozenset[str]) -> set[cst.CSTNode]:
    """The aliases (for star imports, the star) that nothing refers to and that may go."""
    candidates = [
        found
        for found in binding.import_list
        if not isinstance(found.node, cst.ImportStar)
        and path_of(found).partition(".")[0] != "__future__"
        and (found.name in read_before or (not found.level and _is_under(path_of(found), removable)))
    ]
    stars = [star for star in binding.star_imports if not star.level and _is_under(star.module, removable)]
    if not candidates and not stars:
        return set()
    used = _used(binding)
    mentioned = _mentioned_in_strings(binding)
    dropped: set[cst.CSTNode] = {
        f.node for f in candidates if (f.scope, f.name) not in used and f.name not in mentioned
    }
    dropped |= {star.statement.names for star in stars if not any((star.scope, name) in used for name in star.names)}  # type: ignore[misc]
    return dropped | _redundant_submodules(binding, [f for f in candidates if f.node not in dropped])


def path_of(found: ImportBinding) -> str:
    """The dotted path that an import loads: "torch.nn" for `import torch.nn`, though that binds `torch`."""
    if isinstance(found.statement, cst.Import) and isinstance(found.node, cst.ImportAlias):
        return dotted(found.node.name)
    return found.qualified


def _is_under(path: str, packages: Collection[str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[: end + 1]) in packages for end in range(len(parts)))


def _scopes(binding: Binding) -> Collection[Scope]:
    return {binding.module: None, **dict.fromkeys(binding.scope_of.values())}


def _used(binding: Binding) -> set[tuple[Scope, str]]:
    """(scope, name) of every binding that code looks up or deletes."""
    used: set[tuple[Scope, str]] = set()
    for scope in _scopes(binding):
        for name in scope.reads:
            owner = resolve(scope, name)
            if owner is not None:
                used.add((owner, name))
            if scope.kind == "class":  # before the class binds it, the name is the module's
                used.add((binding.module, name))
        used.update((scope, name) for name, nodes in scope.names.items() if any(type(n) is cst.Del for n in nodes))
    return used


def _mentioned_in_strings(binding: Binding) -> set[str]:
    """Names in quoted annotations and in `__all__`."""
    exports = [node for node in binding.module.names.get("__all__", ()) if not isinstance(node, cst.ImportAlias)]
    listed = [inner for node in exports for inner in walk(node) if isinstance(inner, cst.SimpleString)]
    return {word for string in (*binding.quoted, *listed) for word in _WORD.findall(string.value)}


def _redundant_submodules(binding: Binding, kept: Iterable[ImportBinding]) -> set[cst.CSTNode]:
    """Among several `import torch.x` that bind the one used name `torch`, those whose module is not referred to."""
    by_name: dict[tuple[Scope, str], list[ImportBinding]] = {}
    for found in kept:
        if isinstance(found.statement, cst.Import) and path_of(found).partition(".")[0] == found.name:
            by_name.setdefault((found.scope, found.name), []).append(found)
    redundant: set[cst.CSTNode] = set()
    for (_, name), imports in by_name.items():
        paths = set(_dotted_reads(binding.module.node, name)) if len(imports) > 1 else {name}
        if name in paths:  # the bare package is handed on: anything may be read from it
            continue
        plain = [f for f in imports if path_of(f) == name]
        wanted = [f for f in imports if f not in plain and any(_is_within(path, f) for path in paths)]
        if not all(any(_is_within(path, f) for f in wanted) for path in paths):
            wanted += plain or (imports[:1] if not wanted else [])
        redundant |= {f.node for f in imports if f not in wanted}
    return redundant


def _is_within(path: str, found: ImportBinding) -> bool:
    return f"{path}.".startswith(f"{path_of(found)}.")


def _dotted_reads(module: cst.CSTNode, name: str) -> Iterator[str]:
    """The longest dotted paths that start with `name`."""
    stack = [module]
    while stack:
        node = stack.pop()
        if isinstance(node, (cst.Attribute, cst.Name)):
            path = dotted(node)
            if path.partition(".")[0] == name:
                yield path
                continue
        stack.extend(children(node))


# Editing.


def _without(
    body: Sequence[Statement], dropped: Collection[cst.CSTNode], *, takes_place: bool
) -> tuple[Sequence[Statement], Sequence[cst.EmptyLine], Anchor | None]:
    """The statements of a module without the dropped imports.

    Also the comments left over at the end, and where the first import was removed that is not of the standard library,
    if others take its place.
    """
    removal = Removal(dropped)
    kept: list[Statement] = []
    orphaned: Sequence[cst.EmptyLine] = ()
    anchor: Anchor | None = None
    for node in body:
        left = removal.statement(node)
        lines = join_lines(orphaned, node.leading_lines)
        if takes_place and anchor is None and section_of_line(node) != section_of("os"):
            anchor = _anchor_of(node, left, Anchor(len(kept), lines))
            if anchor is not None and anchor.index == len(kept):
                lines = []
        if left and (lines or node.leading_lines) and (orphaned or left[0] is not node):
            left = [left[0].with_changes(leading_lines=lines), *left[1:]]
        kept += left
        orphaned = () if left else lines
    return kept, [line for line in orphaned if line.comment is not None], anchor


def _anchor_of(node: Statement, left: Sequence[Statement], place: Anchor) -> Anchor | None:
    """Where new imports go if an import was removed from `node`, which stood at `place`; else None."""
    if len(left) == 1 and (left[0] is node or not isinstance(node, cst.SimpleStatementLine)):
        return None  # nothing was removed, or something inside a block
    if not left or not isinstance(node, cst.SimpleStatementLine):
        return place
    same_section = section_of_line(left[0]) == section_of("jax")
    return Anchor(place.index + 1, [] if same_section else [cst.EmptyLine(indent=False)])


def _without_blank_lines_above(statement: Statement) -> Statement:
    lines = list(statement.leading_lines)
    while lines and lines[0].comment is None:
        del lines[0]
    return statement.with_changes(leading_lines=lines)
