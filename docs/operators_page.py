"""The page on PyTorch's own lists of operators, from what the tests have recorded."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

_RECORD = Path(__file__).resolve().parent.parent / "tests" / "conformance" / "op_db.json"
_HEAD = """# Conformance

<!-- Written by docs/generate.py from tests/conformance/op_db.json. -->

PyTorch tests itself with a list of its operators and inputs for each of them, `op_db`. Here every input becomes a
function that calls the operator by its public name, with tensors as parameters and everything else as literals. It is
translated, and both are run in float64: shapes, kinds of dtypes, values and gradients must agree to 1e-9 (of random
results: shapes and kinds). `python tests/conformance/record_op_db.py` does it again.

A function whose tensors may have more axes or fewer, such as one for images with or without a batch, is translated for
the usual number. Samples that raise are run once more where the source shows how many axes the tensors have, as models
do: `batch, channels, length = x.shape`. Eigenvectors are compared up to their phases, which are arbitrary (T2J205 says
so).

An operator counts by the worst of its samples:

| | operators |
|---|---|
"""
_MEANINGS = {
    "agrees": "agree on all samples",
    "agrees with axes": "agree on all samples where the source shows the number of axes, and raise without",
    "flagged": "have samples that the conversion reports as an error",
    "fails": "have samples for which the translation raises an error",
    "differs": "differ silently",
    "left out": "have no public name, or no sample that can be written as source",
}


def conformance_page() -> str:
    """The whole page: counts, and every operator that does not agree on all samples, with the reason."""
    record: dict[str, dict[str, Any]] = json.loads(_RECORD.read_text(encoding="utf-8"))
    counts = Counter(result["verdict"] for result in record.values())
    rows = "".join(f"| {meaning} | {counts[verdict]} |\n" for verdict, meaning in _MEANINGS.items())
    tried = len(record) - counts["left out"]
    agree = counts["agrees"] + counts["agrees with axes"]
    rows += f"\n{agree} of the {tried} operators that can be called agree ({agree / tried:.1%}).\n"
    shown = ("differs", "fails", "flagged", "agrees with axes", "left out")
    sections = [_section(verdict, record) for verdict in shown if counts[verdict]]
    run = sum(sum(result.get("samples", {}).values()) for result in record.values())
    total = sum(result.get("of", 0) for result in record.values())
    spread = f"\nOf {total} samples {run} were run for this page, evenly spread over those of each operator.\n"
    return _HEAD + rows + (spread if run < total else "") + "".join(sections)


def _section(verdict: str, record: dict[str, dict[str, Any]]) -> str:
    title = f"## Operators that {_MEANINGS[verdict]}\n\n| operator | samples | why |\n|---|---|---|\n"
    rows = [
        f"| `{name}` | {_samples(result.get('samples', {}))} | {_reason(result['reasons'])} |\n"
        for name, result in record.items()
        if result["verdict"] == verdict
    ]
    return f"\n{title}{''.join(rows)}"


def _samples(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))


def _reason(reasons: list[str]) -> str:
    return (reasons[0] if reasons else "").replace("|", "\\|").replace("\n", " ")
