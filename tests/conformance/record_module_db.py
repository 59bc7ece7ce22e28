"""Run `module_db`, record what became of each input, and write docs/conformance_modules.md from the record.

PYTHONPATH=src:tests python -m conformance.record_module_db RESULTS [--most N] [--page] [MODULE...]

RESULTS is a JSON file; inputs that it holds already are not run again. ``--most`` takes so many inputs of each module,
from all over its list; ``--page`` writes the page only.
"""

from __future__ import annotations

import argparse
import collections
import json
import time
from pathlib import Path

import jax

from conformance.module_cases import cases, modules, spread_over
from conformance.module_pages import page
from conformance.module_runs import Verdict, run

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance_modules.md"
_TOGETHER = 20  # inputs between two writes of the record


def record(path: Path, wanted: list[str], most: int | None) -> None:
    """Run the inputs that are not in the file yet; write it after every few."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for module in wanted:
        every = cases(module)
        known = results.setdefault(module, {"inputs": len(every), "outcomes": {}})["outcomes"]
        left = [case for case in spread_over(every, most) if case.name not in known]
        for start in range(0, len(left), _TOGETHER):
            began = time.perf_counter()
            outcomes = list(run(left[start : start + _TOGETHER]))
            known.update({outcome.name: [outcome.verdict.value, outcome.reason] for outcome in outcomes})
            path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            counts = collections.Counter(outcome.verdict.value for outcome in outcomes)
            print(f"{module}: {dict(counts)} in {time.perf_counter() - began:.1f} s", flush=True)
            for outcome in outcomes:
                if outcome.verdict not in (Verdict.AGREES, Verdict.WITH_AXES):
                    print(f"  {outcome.name} {outcome.verdict.value}: {outcome.reason}", flush=True)
            jax.clear_caches()  # what is compiled is of no use to other modules, and fills the memory


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--most", type=int)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("modules", nargs="*")
    given = parser.parse_intermixed_args()
    if not given.page:
        record(given.results, given.modules or modules(), given.most)
    _PAGE.write_text(page(json.loads(given.results.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
