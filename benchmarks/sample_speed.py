"""The speed of the samples: torch, `torch.compile` and the translation in JAX, on the CPU or on a GPU.

    python benchmarks/sample_speed.py [--only 'le*'] [--threads 1] [--rounds 10]
    python benchmarks/sample_speed.py --device gpu [--together 8]
    python benchmarks/sample_speed.py --missing
    python benchmarks/sample_speed.py --page

One model of each sample is measured, with the sizes in `sample_speed.toml` (on a GPU `sample_speed_gpu.toml`), as
`torch2jax verify --bench` does it. What was measured goes to `sample_speed.json` (`sample_speed_gpu.json`), where it
replaces what is there of the same samples; the page `sample_speed.md` is made from these files and from the sentences
in `sample_speed_conclusions.toml`. With ``--together N`` the programs of N samples compile at the same time; timed
is one sample after the other, with everybody else waiting.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from textwrap import shorten
from typing import Any

from phases import Phases

from torch2jax.verify.bench import BenchSettings, Contender, Work, all_cores, bench
from torch2jax.verify.cases import Case, read_cases
from torch2jax.verify.children import Limits

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"
CONCLUSIONS = HERE / "sample_speed_conclusions.toml"
CASES = {"cpu": HERE / "sample_speed.toml", "gpu": HERE / "sample_speed_gpu.toml"}
MEASURED = {"cpu": HERE / "sample_speed.json", "gpu": HERE / "sample_speed_gpu.json"}
LIMITS = Limits(seconds=240.0, first=240.0)

TORCH, COMPILED, JAX = (contender.value for contender in Contender)
INTRODUCTION = """\
Milliseconds are the median over the rounds, in which all three had their turns. JAX against the others is how many
times as fast it is: the median over the rounds, with the quartiles in brackets; above 1, JAX is faster. "First call" is
the one in which `torch.compile` and JAX compile, in seconds; memory is the peak of torch, `torch.compile` and JAX in
MiB."""
ABOUT = {
    "cpu": """\
By `benchmarks/sample_speed.py`: {facts}. The load average was between {least} and {most}. Milliseconds are of the
processor where there is one thread: other work on the machine took part of the time. Memory is beyond what the imports
take.""",
    "gpu": """\
By `benchmarks/sample_speed.py --device gpu`: {facts}. Sizes are those of `sample_speed_gpu.toml`; what is not in the
table was not measured there. Up to {together} samples compiled at the same time, so that first calls took longer than
they do alone, and so that algorithms were chosen on a busy device; each was timed alone. Memory is what the
framework's allocator held on the device; JAX's count can't be reset and includes what its compiler tried.""",
}
TITLES = {"cpu": "On the processor", "gpu": "On a GPU"}
HEAD = """\
| sample | work | torch ms | compile ms | JAX ms | JAX : torch | JAX : compile | first call | memory |
|---|---|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", help="samples whose name matches (default: all)")
    parser.add_argument("--device", choices=tuple(CASES), default="cpu")
    parser.add_argument("--threads", type=int, help="default: 1, beside a GPU all")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--together", type=int, default=1, help="how many samples compile at the same time")
    parser.add_argument("--missing", action="store_true", help="only those that are not in the file yet")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page anew")
    arguments = parser.parse_args()

    device = arguments.device
    if not arguments.page:
        threads = arguments.threads or (1 if device == "cpu" else all_cores())
        settings = BenchSettings(
            device=device, threads=threads, rounds=arguments.rounds, turn=0.06, budget=12.0 if device == "cpu" else 4.0
        )
        cases = [case for case in read_cases(CASES[device]) if fnmatch(case.name, arguments.only)]
        cases = [case for case in cases if not arguments.missing or case.name not in measured(device)]
        measure(cases, settings, arguments.together)
    (HERE / "sample_speed.md").write_text(page(), encoding="utf-8")


def measure(cases: Sequence[Case], settings: BenchSettings, together: int) -> None:
    """Measure some samples, and put each group into the file when it is done."""
    with tempfile.TemporaryDirectory(prefix="torch2jax-", ignore_cleanup_errors=True) as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # what torch.compile finds out about the processor, once for all
        for start in range(0, len(cases), together):
            group = cases[start : start + together]
            phases = Phases(len(group))
            with ThreadPoolExecutor(len(group)) as pool:
                asked = {case.name: pool.submit(measure_one, case, settings, phases) for case in group}
            for name, future in asked.items():
                if (error := future.exception()) is not None:
                    print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                    continue
                report = future.result()
                report["environment"]["together"] = str(len(group))
                found = dict(sorted({**measured(settings.device), name: report}.items()))
                MEASURED[settings.device].write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
                print("\n".join(rows(report)), flush=True)


def measure_one(case: Case, settings: BenchSettings, phases: Phases) -> dict[str, Any]:
    """The report of one sample, as JSON data."""
    start = time.perf_counter()
    try:
        report = bench(source_of(case), cases=[case], settings=settings, limits=LIMITS, alone=phases.alone).to_json()
    except BaseException:
        phases.give_up()
        raise
    for measurement in report["measurements"]:
        del measurement["rounds"]
    print(f"{case.name}: {time.perf_counter() - start:.0f} s", flush=True)
    return report


def measured(device: str) -> dict[str, Any]:
    """What is in the file of a device: a report by sample."""
    path = MEASURED[device]
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def source_of(case: Case) -> Path:
    """What is converted: the folder of a package, or the one file."""
    sample = SAMPLES / case.name
    return sample if (sample / "__init__.py").exists() else sample / "model.py"


def page() -> str:
    """The whole page: a part for each device of which there are measurements."""
    conclusions = tomllib.loads(CONCLUSIONS.read_text(encoding="utf-8"))
    lines = ["# Speed of the samples", "", INTRODUCTION]
    for device, title in TITLES.items():
        if found := measured(device):
            lines += ["", f"## {title}", "", about(device, found), "", HEAD]
            lines += [row for report in found.values() for row in rows(report)]
            lines += ["", "Why some are slower than torch.compile:", ""]
            lines += [f"- {name}: {why}" for name, why in conclusions[device].items()]
    return "\n".join(lines) + "\n"


def about(device: str, found: Mapping[str, Any]) -> str:
    """On what was measured."""
    environments = [report["environment"] for report in found.values()]
    loads = [float(environment["load"].partition(" ")[0]) for environment in environments]
    facts = ", ".join(f"{name} {value}" for name, value in environments[0].items() if name not in ("load", "together"))
    together = max(int(environment.get("together", 1)) for environment in environments)
    return ABOUT[device].format(facts=facts, least=min(loads), most=max(loads), together=together)


def rows(report: Mapping[str, Any]) -> Iterator[str]:
    """A line for each work of a sample."""
    settings = report["settings"]
    cpu = settings["device"] == "cpu" and settings["threads"] == 1
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
        yield shorten(race[name]["detail"], 60) if seconds is None else f"{seconds['median'] * 1e3:.3g}"
    for name in (TORCH, COMPILED):
        ratio = jax["cpu_times_as_fast_as" if cpu else "times_as_fast_as"][name]
        yield "" if ratio is None else f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
    yield ", ".join(
        "" if race[n]["first_call_s"] is None else f"{race[n]['first_call_s']:.1f}" for n in (COMPILED, JAX)
    )
    yield ", ".join("" if (peak := race[n]["peak_bytes"]) is None else f"{peak / 2**20:.0f}" for n in race)


if __name__ == "__main__":
    main()
