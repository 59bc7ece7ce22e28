"""Check rule files: `python -m torch2jax.rules.lint [PATH...]` prints every mistake as file:line:column."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from torch2jax.rules.cache import builtin_rules_dir
from torch2jax.rules.compile import parse_directory, states_of
from torch2jax.rules.templates import RuleError


def lint(paths: Sequence[Path]) -> tuple[int, list[RuleError]]:
    """The number of rules in files and directories, and all mistakes."""
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    rules, errors = parse_directory([(str(file), file.read_bytes()) for file in files])
    try:
        states_of(rules)
    except RuleError as error:
        errors.append(error)
    return len(rules), errors


def main(arguments: Sequence[str]) -> int:
    """Print the mistakes in the given paths (default: the built-in rules)."""
    count, errors = lint([Path(argument) for argument in arguments] or [builtin_rules_dir()])
    for error in errors:
        print(error)
    print(f"{count} rules, {len(errors)} mistakes")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
