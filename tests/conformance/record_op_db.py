"""Run PyTorch's database of operators and record what became of every sample: python tests/conformance/record_op_db.py.

The results go to tests/conformance/op_db.json, from which docs/generate.py makes a page. A run that was stopped goes on
where it was with --resume.
"""

import argparse
import fnmatch
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax

from conformance.op_db_running import Outcome, Report, Verdict, run
from conformance.op_db_sides import sentence
from conformance.op_db_sources import operators, program, reason_to_leave_out
from torch2jax.verify.quick_compilation import compile_quickly

_SHOWN = 4  # different reasons of an operator that are recorded
_CLEARED_EVERY = 20  # operators: what JAX has compiled for them is not used again


def main() -> None:
    """Run the operators that are asked for, and write after each."""
    compile_quickly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="patterns of operators' full names")
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("op_db.json"))
    parser.add_argument("--most", type=int, help="samples of each operator at most")
    parser.add_argument("--resume", action="store_true", help="leave out operators that the results have")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for each operator")
    arguments = parser.parse_args()
    path: Path = arguments.results
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    chosen = [name for name in operators() if any(fnmatch.fnmatchcase(name, p) for p in arguments.names)]
    if arguments.resume:
        chosen = [name for name in chosen if name not in results]
    for number, name in enumerate(chosen):
        start = time.perf_counter()
        results[name] = _record(name, arguments.most, arguments.timeout)
        path.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n", encoding="utf-8")
        print(f"{number + 1}/{len(chosen)} {name}: {results[name]} {time.perf_counter() - start:.1f} s", flush=True)
        if number % _CLEARED_EVERY == _CLEARED_EVERY - 1:
            jax.clear_caches()


def _record(name: str, most: int | None, timeout: int) -> dict[str, Any]:
    if reason := reason_to_leave_out(name):
        return {"verdict": Verdict.LEFT_OUT.value, "reasons": [reason]}
    signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(timeout)
    total = 0
    try:
        written = program(operators()[name], most)
        total = written.total
        report = run(name, written)
    except Exception as error:
        report = Report((Outcome(Verdict.FAILS, sentence(error), ""),))
    finally:
        signal.alarm(0)
    verdict = report.verdict
    reasons = [] if verdict is Verdict.AGREES else report.reasons(verdict)
    return {"verdict": verdict.value, "samples": report.counts(), "of": total, "reasons": reasons[:_SHOWN]}


def _too_late(*_: object) -> None:
    raise TimeoutError("took too long")


if __name__ == "__main__":
    main()
