"""The words for a checkpoint that does not fit a model."""

from __future__ import annotations

from pathlib import Path

from torch2jax.checkpoints.errors import UnfitError
from torch2jax.weights.fit import Problems

LISTED = 20
"""Names shown per kind of problem."""


def unfit(source: Path, built: str, problems: Problems, tried: int) -> UnfitError:
    """The error for a model that a checkpoint does not fit, the closest of those that were tried."""
    closest = f", the closest of {tried} (choose another with --entry and --args)" if tried > 1 else ""
    lines = [f"{source} does not fit {built}{closest}", *(f"  {line}" for line in problems.lines(LISTED))]
    if tried == 1 and not problems.mismatched:
        lines.append("  pass --partial to write what fits")
    return UnfitError("\n".join(lines))
