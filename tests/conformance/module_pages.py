"""The page docs/conformance_modules.md, from the record of a run of `module_db`."""

from __future__ import annotations

import collections
import re
from collections.abc import Mapping
from typing import Any

from conformance.module_cases import modules
from conformance.module_runs import Verdict

_HEAD = """# PyTorch's own inputs for its modules

<!-- Written by tests/conformance/record_module_db.py. -->

PyTorch tests its modules with a list of constructor arguments and inputs of its own,
`torch.testing._internal.common_modules.module_db`. Here each entry becomes the source of a class that builds the layer
and calls it. The class is converted and given the same weights; then results, gradients of all parameters and inputs,
and the state after the call are compared in float64, to a relative error of 1e-9, in train mode, and in eval mode where
that makes a difference.

- **agrees**: the same.
- **agrees with axes**: the same once the source shows how many axes the input has: `channels, length = x.shape`. A
  layer that takes examples with and without an axis for the batch is otherwise translated for a batch, and raises
  without one.
- **flagged**: the conversion reports that there is no translation, and why.
- **fails**: the translation raises.
- **differs**: the translation computes something else without a word: a mistake.
"""

_SHORT = {Verdict.WITH_AXES: "agrees with axes"}


def page(results: Mapping[str, Any]) -> str:
    """The whole page: the sums, a row for each module, and the reasons for what does not agree."""
    total = sum(found["inputs"] for found in results.values())
    every = collections.Counter(verdict for found in results.values() for verdict, _ in found["outcomes"].values())
    run = sum(every.values())
    good = every[Verdict.AGREES] + every[Verdict.WITH_AXES]
    share = f"{good} of {run} ({good / max(run, 1):.1%}) agree"
    summary = (
        f"{len(results)} of the list's {len(modules())} modules, {total} inputs, of which {run} were run: {share}.\n"
    )
    columns = [verdict for verdict in Verdict if every[verdict] or verdict is not Verdict.BROKEN]
    lines = [_HEAD, summary]
    lines.append(f"| module | inputs | run | {' | '.join(_SHORT.get(v, v.value) for v in columns)} |")
    lines.append(f"|---|{'---:|' * (len(columns) + 2)}")
    for module, found in sorted(results.items()):
        counts = collections.Counter(verdict for verdict, _ in found["outcomes"].values())
        cells = [found["inputs"], sum(counts.values()), *(counts[verdict] or "" for verdict in columns)]
        lines.append(f"| {module} | {' | '.join(map(str, cells))} |")
    sums = [total, run, *(every[verdict] for verdict in columns)]
    lines.append(f"| all | {' | '.join(map(str, sums))} |")
    lines += ["", "## What does not agree", "", "| module | inputs | verdict | reason |", "|---|---:|---|---|"]
    for module, found in sorted(results.items()):
        reasons = collections.Counter(
            (verdict, _general(reason))
            for verdict, reason in found["outcomes"].values()
            if verdict not in (Verdict.AGREES, Verdict.WITH_AXES)
        )
        lines += [f"| {module} | {count} | {verdict} | {reason} |" for (verdict, reason), count in reasons.items()]
    return "\n".join(lines) + "\n"


def _general(reason: str) -> str:
    """A reason without what differs from input to input."""
    return re.sub(r"relative error \S+", "values", reason).replace("|", "\\|")
