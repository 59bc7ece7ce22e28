"""Run all of `module_db` and record what became of every input: python tests/conformance/record_module_db.py RESULTS.

RESULTS is a JSON file; modules that it holds already are not run again.
"""

from __future__ import annotations

import collections
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import jax
from conformance.module_cases import cases, modules
from conformance.module_runs import Verdict, run


def record(path: Path, wanted: list[str]) -> None:
    """Run the modules that are not in the file yet; write it after each."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for module in wanted or modules():
        if module in results:
            continue
        start = time.perf_counter()
        outcomes = list(run(cases(module)))
        counts = collections.Counter(outcome.verdict.value for outcome in outcomes)
        others = {o.name: [o.verdict.value, o.reason] for o in outcomes if o.verdict is not Verdict.AGREES}
        results[module] = {"agrees": counts["agrees"], "others": others}
        path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        jax.clear_caches()  # compiled operations of other modules are of no use, and fill the memory
        print(f"{module}: {dict(counts)} in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
