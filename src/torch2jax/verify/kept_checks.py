"""Results of `torch2jax check` that are kept until something that they depend on changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple

from torch2jax.rules.cache import RuleBook
from torch2jax.rules.model import Rule
from torch2jax.verify.checked import Checked
from torch2jax.verify.kept import Kept, converter, digest, environment, essence


class ResultsOfFiles:
    """The kept results of rule files.

    They depend on the rules of the file and their lines, on torch, jax and flax, on the helpers and this package, and
    on the rules of every name that an example translated.
    """

    def __init__(self, book: RuleBook, *, fresh: bool, styles: bool) -> None:
        self._book = book
        self._kept = Kept("checks", fresh=fresh)
        self._styles = styles

    def get(self, file: str, rules: Sequence[Rule]) -> list[Checked] | None:
        """The results of a file; None if it must be checked."""
        value = self._kept.get(file, self._key(rules))
        if value is None or value["names"] != self._essences(value["names"]):
            return None
        return [Checked(rule, file, line, what, problem) for rule, line, what, problem in value["checked"]]

    def put(self, file: str, rules: Sequence[Rule], checked: Iterable[Checked], names: Iterable[str]) -> None:
        """Keep what was found."""
        rows = [(rule, line, what, problem) for rule, _, line, what, problem in map(astuple, checked)]
        self._kept.put(file, self._key(rules), {"checked": rows, "names": self._essences(names)})

    def _key(self, rules: Sequence[Rule]) -> str:
        content = [(rule.line, essence(rule), [branch.line for branch in rule.branches]) for rule in rules]
        return digest(content, self._styles, environment(), converter())

    def _essences(self, names: Iterable[str]) -> dict[str, str]:
        return {name: digest([essence(rule) for rule in self._book.lookup(name)]) for name in sorted(names)}
