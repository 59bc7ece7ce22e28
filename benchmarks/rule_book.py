"""How long the rule book takes to load, compiled before (as in every run but the first) and not.

    python benchmarks/rule_book.py

Each load is in a process of its own; the best of the rounds counts, in seconds of processor time. The table goes to
`rule_book.md`, and the exit status is 1 where the warm load takes 50 ms or more.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from torch2jax.rules.cache import load_book
from torch2jax.version import __version__

_LIMIT = 0.05
_LOAD = """
import time
from torch2jax.rules.cache import load_book
begin = time.process_time()
book = load_book()
loaded = time.process_time()
book.lookup("torch.nn.Conv2d")
print(loaded - begin, time.process_time() - loaded)
"""


def main() -> None:
    """Measure, print, and fail where the limit is passed."""
    with tempfile.TemporaryDirectory() as cache:
        cold, _ = _seconds(cache)
        rounds = [_seconds(cache) for _ in range(5)]
    warm, lookup = min(load for load, _ in rounds), min(first for _, first in rounds)
    book = load_book()
    report = "\n".join(
        [
            "# Loading the rule book",
            "",
            f"torch2jax {__version__}, by `benchmarks/rule_book.py`: {len(book.rules())} rules, {len(book.names())} "
            "names; milliseconds of processor time in a fresh process, the best of five.",
            "",
            "| | ms |",
            "|---|---:|",
            f"| load, compiled before | {warm * 1000:.1f} |",
            f"| first lookup of a name | {lookup * 1000:.2f} |",
            f"| load, compiling all rule files | {cold * 1000:,.0f} |",
            "",
        ]
    )
    print(report)
    (Path(__file__).parent / "rule_book.md").write_text(report, encoding="utf-8")
    sys.exit(warm >= _LIMIT)


def _seconds(cache: str) -> tuple[float, float]:
    """Seconds of a load and of the first lookup."""
    environment = {**os.environ, "TORCH2JAX_CACHE_DIR": cache}
    command = [sys.executable, "-c", _LOAD]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    load, lookup = done.stdout.split()
    return float(load), float(lookup)


if __name__ == "__main__":
    main()
