"""The speed of the samples: torch, `torch.compile` and the translation in JAX, on the CPU.

    python benchmarks/sample_speed.py [--only 'le*'] [--threads 1] [--rounds 10]
    python benchmarks/sample_speed.py --missing
    python benchmarks/sample_speed.py --page

One model of each sample is measured, with the sizes in `sample_speed.toml`, as `torch2jax verify --bench` does it. What
was measured goes to `sample_speed.json`, where it replaces what is there of the same samples; the page
`sample_speed.md` is made from that file and from the sentences in `sample_speed_conclusions.toml`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from torch2jax.verify.bench import BenchSettings, Contender, Work, bench
from torch2jax.verify.cases import Case, read_cases

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"
CASES = HERE / "sample_speed.toml"
CONCLUSIONS = HERE / "sample_speed_conclusions.toml"
MEASURED = HERE / "sample_speed.json"

TORCH, COMPILED, JAX = (contender.value for contender in Contender)
INTRODUCTION = """\
By `benchmarks/sample_speed.py`: {facts}. The load average was between {least} and {most}.

Milliseconds are the median over the rounds, in which all three had their turns. They are of the processor where there
is one thread: other work on the machine took part of the time. JAX against the others is how many times as fast it is:
the median over the rounds, with the quartiles in brackets; above 1, JAX is faster. "First call" is the one in which
`torch.compile` and JAX compile, in seconds; memory is the peak of torch, `torch.compile` and JAX beyond what their
imports take, in MiB.

| sample | work | torch ms | compile ms | JAX ms | JAX : torch | JAX : compile | first call | memory |
|---|---|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", help="samples whose name matches (default: all)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--missing", action="store_true", help="only those that are not in the file yet")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page anew")
    arguments = parser.parse_args()

    if not arguments.page:
        settings = BenchSettings(threads=arguments.threads, rounds=arguments.rounds, turn=0.06, budget=12.0)
        cases = [case for case in read_cases(CASES) if fnmatch(case.name, arguments.only)]
        measure([case for case in cases if not arguments.missing or case.name not in measured()], settings)
    found = measured()
    (HERE / "sample_speed.md").write_text(page(found), encoding="utf-8")


def measure(cases: Sequence[Case], settings: BenchSettings) -> None:
    """Measure some samples, and put each into the file when it is done."""
    with tempfile.TemporaryDirectory(prefix="torch2jax-", ignore_cleanup_errors=True) as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # what torch.compile finds out about the processor, once for all
        for case in cases:
            start = time.perf_counter()
            report = bench(source_of(case), cases=[case], settings=settings).to_json()
            for measurement in report["measurements"]:
                del measurement["rounds"]
            found = dict(sorted({**measured(), case.name: report}.items()))
            MEASURED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            print("\n".join([*rows(report), f"{case.name}: {time.perf_counter() - start:.0f} s"]), flush=True)


def measured() -> dict[str, Any]:
    """What is in the file: a report by sample."""
    return dict(json.loads(MEASURED.read_text(encoding="utf-8"))) if MEASURED.exists() else {}


def source_of(case: Case) -> Path:
    """What is converted: the folder of a package, or the one file."""
    sample = SAMPLES / case.name
    return sample if (sample / "__init__.py").exists() else sample / "model.py"


def page(found: Mapping[str, Any]) -> str:
    """The whole page."""
    environments = [report["environment"] for report in found.values()]
    loads = [float(environment["load"].partition(" ")[0]) for environment in environments]
    facts = ", ".join(f"{name} {value}" for name, value in environments[0].items() if name != "load")
    conclusions = tomllib.loads(CONCLUSIONS.read_text(encoding="utf-8"))
    lines = [
        "# Speed of the samples",
        "",
        INTRODUCTION.format(facts=facts, least=min(loads), most=max(loads)),
        *(row for report in found.values() for row in rows(report)),
        "",
        "## Why some are slower than torch.compile",
        "",
        *(f"- {name}: {why}" for name, why in conclusions.items()),
    ]
    return "\n".join(lines) + "\n"


def rows(report: Mapping[str, Any]) -> Iterator[str]:
    """A line for each work of a sample."""
    cpu = report["settings"]["threads"] == 1
    for work in Work:
        race = {m["contender"]: m for m in report["measurements"] if m["work"] == work.value}
        yield f"| {' | '.join(cells(race, cpu=cpu))} |"


def cells(race: Mapping[str, Any], *, cpu: bool) -> Iterator[str]:
    """One line: the three of them at one work."""
    jax = race[JAX]
    yield jax["case"]
    yield jax["work"]
    for name in (TORCH, COMPILED, JAX):
        seconds = race[name]["cpu_seconds" if cpu else "seconds"]
        yield race[name]["detail"] if seconds is None else f"{seconds['median'] * 1e3:.3g}"
    for name in (TORCH, COMPILED):
        ratio = jax["cpu_times_as_fast_as" if cpu else "times_as_fast_as"][name]
        yield "" if ratio is None else f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
    yield ", ".join(
        "" if race[n]["first_call_s"] is None else f"{race[n]['first_call_s']:.1f}" for n in (COMPILED, JAX)
    )
    yield ", ".join("" if (peak := race[n]["peak_bytes"]) is None else f"{peak / 2**20:.0f}" for n in race)


if __name__ == "__main__":
    main()
