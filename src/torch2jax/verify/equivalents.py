"""Mutants that compute the same as the rule: `equivalent_mutants.toml` in a folder of rules, with the reason of each.

[[equivalent]]
rule = "torch.nn.Flatten"  # or a list of rules
changes = ["in the guard, 1 -> 2 in start_dim == 1"]
reason = "the general form computes the same; the guard only chooses how it is written"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "equivalent_mutants.toml"


class EquivalentsError(ValueError):
    """The file can't be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Equivalents:
    """(rule, change) of the recorded mutants, with the file that records each."""

    recorded: dict[tuple[str, str], str]

    def __contains__(self, mutant: tuple[str, str]) -> bool:
        return mutant in self.recorded

    def wrong(
        self, noticed: Iterable[tuple[str, str]], survivors: Iterable[tuple[str, str]], rules: Mapping[str, str]
    ) -> list[str]:
        """A sentence for each entry of these rules whose mutant an example notices, or that is no mutant.

        rules: the file of each; a folder says nothing of rules that another one has put in the place of its own.
        """
        caught, alive = set(noticed), set(survivors)
        sentences = []
        for (rule, change), file in self.recorded.items():
            here = Path(rules.get(rule, "")).is_relative_to(Path(file).parent)
            if here and (rule, change) not in alive:
                what = "is noticed by an example" if (rule, change) in caught else "is no mutant of the rule"
                sentences.append(f"{file}: {rule}: {change}: recorded as equivalent, but {what}; take it out")
        return sentences


def read_equivalents(directories: Sequence[Path]) -> Equivalents:
    """What the folders record. Raises EquivalentsError."""
    recorded: dict[tuple[str, str], str] = {}
    for path in (directory / NAME for directory in directories):
        if not path.exists():
            continue
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
        except tomllib.TOMLDecodeError as error:
            raise EquivalentsError(f"{path}: {error}") from None
        for number, entry in enumerate(entries, 1):
            if entry.keys() != {"rule", "changes", "reason"} or not str(entry["reason"]).strip():
                raise EquivalentsError(f"{path}: entry {number}: an entry has `rule`, `changes` and `reason`")
            rules = [entry["rule"]] if isinstance(entry["rule"], str) else entry["rule"]
            recorded |= {(rule, change): str(path) for rule in rules for change in entry["changes"]}
    return Equivalents(recorded)
