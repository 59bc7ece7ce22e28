"""Convert packages that were not written for this project, and measure whether the translations agree.

    python benchmarks/real_packages.py SITE/vit_pytorch SITE/efficientnet_pytorch [--only 'vit_pytorch.c*'] [--jobs 2]
    python benchmarks/real_packages.py SITE/vit_pytorch SITE/efficientnet_pytorch --rows rows.jsonl


where SITE is any folder into which the packages were unpacked (`pip download --no-deps vit-pytorch
efficientnet-pytorch`). Each package is converted as a whole. Every case of `real_packages.toml` is then built under
torch and in the translation, with the same weights, in a process of its own with a time limit, and climbs the ladder of
docs/verify.md in float64. The table goes to `real_packages.md`: names and verdicts. With
`--rows` each row is written to a file as soon as it is there; a run that was stopped goes on where it was, and `--only`
measures some rows anew.

Verdicts: `agrees`; `flagged`: the conversion reported an error in code that the model stands on (`reachable.py`);
`fails`: no error was reported, but the translation raises; `SILENTLY DIFFERENT`: no error was reported and the numbers
differ; `can't be traced`, `other draws`, `undecided`: as in docs/verify.md; `not run`: the original does not import,
build or run under torch.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import multiprocessing.connection
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from reachable import reachable

from torch2jax import Conversion, Options, Severity, __version__, convert_files
from torch2jax.verify.cases import Case, read_cases
from torch2jax.verify.compare import AGREEMENT
from torch2jax.verify.programs import Programs
from torch2jax.verify.quick_compilation import compile_quickly
from torch2jax.verify.sources import sources_of
from torch2jax.verify.spaces import write_files

compile_quickly()

HERE = Path(__file__).parent
GOOD = ("agrees", "flagged", "not run")
PATIENCE = 10  # times as long as the limit on processor time may a case take on a busy machine


@dataclass(frozen=True)
class Row:
    """One case of the table."""

    entry: str
    args: str
    verdict: str
    codes: tuple[str, ...] = ()
    max_rel: float | None = None
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Site:
    """The packages and their translations in two mirrored folders."""

    original: Path
    translation: Path
    conversions: Mapping[str, Conversion]

    def originals(self) -> list[str]:
        """The relative paths of the packages' own files."""
        return [name for name in self.conversions if (self.original / name).exists()]

    def programs(self) -> Programs:
        """What the verifier runs."""
        names = frozenset(name.partition("/")[0].removesuffix(".py") for name in self.conversions)
        return Programs(self.original, self.translation, names, "", self.conversions)


def prepare(packages: Sequence[Path], folder: Path) -> Site:
    """Copy the packages' sources, convert them, and write the translations.

    A package whose `__init__` imports something that is not installed is imported without it, on both sides.
    """
    conversions: dict[str, Conversion] = {}
    for package in packages:
        _, files = sources_of(package)
        init = f"{package.name}/__init__.py"
        if not imports(package.parent, package.name):
            files[init] = ""
        write_files(files, folder / "original")
        started = time.perf_counter()
        converted = convert_files(files, Options())
        seconds = time.perf_counter() - started
        lines = sum(text.count("\n") for text in files.values())
        print(f"{package.name}: {len(files)} files, {lines} lines converted in {seconds:.1f} s", flush=True)
        conversions.update(converted)
        write_files({name: conversion.code for name, conversion in converted.items()}, folder / "translation")
    return Site(folder / "original", folder / "translation", conversions)


def imports(site: Path, name: str) -> bool:
    """Whether a package imports as it is, tried in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=_import, args=(str(site), name))
    process.start()
    process.join()
    return process.exitcode == 0


def _import(site: str, name: str) -> None:
    sys.path.insert(0, site)
    try:
        __import__(name)
    except ImportError:
        sys.exit(1)


def measure(site: Site, case: Case, limit: int, answer: Any) -> None:
    """Run one case in at most `limit` seconds of the processor, and send its row through the pipe `answer`."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    from torch2jax.verify.report import GOOD as GOOD_VERDICTS
    from torch2jax.verify.report import Rung, Verdict
    from torch2jax.verify.run import Plan, run_cases

    programs = site.programs()
    outcomes = list(run_cases(programs, [case], Plan(("float64",))))
    bad = next((o for o in outcomes if o.verdict not in GOOD_VERDICTS), None)
    first = (Rung.IMPORTS, Rung.BUILDS, Rung.EVAL, Rung.CALL)
    not_run = bad is not None and bad.verdict is Verdict.ORIGINAL_FAILS and bad.rung in first
    codes = () if not_run else error_codes(site, case)
    errors = [o.max_rel for o in outcomes if o.max_rel == o.max_rel]
    if not_run:
        verdict = "not run"
    elif codes:
        verdict = "flagged"
    elif bad is None or bad.verdict is Verdict.ORIGINAL_FAILS:
        verdict = "agrees"  # as far as the original goes: with these arguments it may have no train mode
    else:
        verdict = {Verdict.DIFFERS: "SILENTLY DIFFERENT", Verdict.FAILS: "fails"}.get(bad.verdict, str(bad.verdict))
    detail = f"{bad.rung}: {bad.detail}" if bad is not None else ""
    answer.send(Row(case.entry, case.args, verdict, codes, max(errors, default=None), detail))


def error_codes(site: Site, case: Case) -> tuple[str, ...]:
    """Codes of the errors on the lines that the classes of the built model stand on."""
    classes = {base for part in parts_of(site, case) for base in part.__mro__}
    roots = {(cls.__module__, cls.__qualname__.partition(".")[0]) for cls in classes}
    sources = {name: (site.original / name).read_text(encoding="utf-8") for name in site.originals()}
    lines = reachable(sources, roots)
    codes: dict[str, None] = {}
    for name, conversion in site.conversions.items():
        for diagnostic in conversion.diagnostics:
            if diagnostic.severity is Severity.ERROR and diagnostic.line in lines.get(name, ()):
                codes[diagnostic.code] = None
    return tuple(codes)


def parts_of(site: Site, case: Case) -> set[type]:
    """The classes of the modules in the original's model."""
    import torch

    from torch2jax.verify.build import build_torch
    from torch2jax.verify.run import namespace_of

    programs = site.programs()
    space, _ = programs.spaces()
    module, name = programs.module_of(case)
    with space.active():
        model = build_torch(case, name, namespace_of(space, module, case), train=False)
    return {type(part) for part in model.modules()} if isinstance(model, torch.nn.Module) else set()


def run_all(site: Site, cases: Mapping[int, Case], jobs: int, timeout: float, done: Callable[[int, Row], None]) -> None:
    """Every case in a process of its own, forked from one that has the frameworks loaded; `done` gets each row."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch2jax.verify.run"])
    waiting = list(cases.items())[::-1]
    running: dict[int, tuple[Any, Any, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            number, case = waiting.pop()
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=measure, args=(site, case, int(timeout), sender))
            process.start()
            sender.close()
            running[number] = (process, receiver, time.monotonic())
        multiprocessing.connection.wait([receiver for _, receiver, _ in running.values()], timeout=1)
        for number, (process, receiver, started) in list(running.items()):
            seconds = time.monotonic() - started
            if receiver.poll() or not process.is_alive() or seconds > PATIENCE * timeout:
                row = dataclasses.replace(finished(cases[number], process, receiver), seconds=round(seconds, 1))
                print(f"{row.verdict:18} {seconds:5.0f} s {row.entry} {row.detail}", flush=True)
                done(number, row)
                del running[number]


def finished(case: Case, process: Any, receiver: Any) -> Row:
    """The row that a process sent, or what happened instead."""
    detail = ""
    try:
        if receiver.poll():
            row: Row = receiver.recv()
            process.join(10)
            return row
    except EOFError:
        detail = "the process ended without an answer"
    if process.is_alive():
        process.kill()
        detail = "the time limit was reached"
    process.join()
    if process.exitcode == -signal.SIGXCPU:
        detail = "the time limit was reached"
    return Row(case.entry, case.args, "fails", detail=detail or f"the process ended with status {process.exitcode}")


def report(rows: Sequence[Row]) -> str:
    """The table in Markdown, with its summary."""
    counts = Counter(row.verdict for row in rows)
    run = [row for row in rows if row.verdict != "not run"]
    clean = [row for row in run if not row.codes]
    share = 100 * len(clean) / len(run) if run else 0.0
    lines = [
        "# Real packages",
        "",
        f"torch2jax {__version__}, by `benchmarks/real_packages.py`; float64, all rungs of docs/verify.md. "
        f"`agrees` means a relative error of at most {AGREEMENT:.0e}.",
        "",
        f"{len(run)} cases build and run under torch; {len(clean)} of them ({share:.0f} %) convert without an error. "
        + ", ".join(f"{verdict}: {count}" for verdict, count in counts.most_common())
        + ".",
        "",
        "| module | class | verdict | codes | max rel error | note |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        module, _, name = row.entry.rpartition(":")
        error = "" if row.max_rel is None else f"{row.max_rel:.0e}"
        lines.append(f"| {module} | {name} | {row.verdict} | {' '.join(row.codes)} | {error} | {note(row)} |")
    return "\n".join([*lines, ""])


def note(row: Row) -> str:
    """What went wrong, in a word: the package that is not installed, or the kind of exception."""
    missing = re.search(r"No module named '([\w.]+)'", row.detail)
    if missing:
        return f"needs {missing[1]}"
    raised = re.match(r"\w+: (\w+Error)", row.detail)
    if row.verdict == "not run" and raised:
        return f"the original raises {raised[1]}"
    return "" if row.verdict == "agrees" else row.detail.partition(":")[0] + (f": {raised[1]}" if raised else "")


def main(arguments: Iterable[str] | None = None) -> int:
    """Measure, write the table, and return 1 if anything is silently different or fails without a word."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+", type=Path)
    parser.add_argument("--only", default="*", help="cases whose entry matches this pattern")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds of the processor for each case")
    parser.add_argument("--keep", type=Path, help="folder to keep the originals and translations in")
    parser.add_argument("--rows", type=Path, help="file of rows that are there already, to which new ones are added")
    options = parser.parse_args(arguments if arguments is None else list(arguments))
    names = {package.name for package in options.packages}
    cases = [c for c in read_cases(HERE / "real_packages.toml") if c.entry.partition(".")[0] in names]
    rows = earlier(options.rows) if options.rows is not None else {}
    again = options.only != "*"
    left = {n: c for n, c in enumerate(cases) if fnmatch(c.entry, options.only) and (again or n not in rows)}

    def done(number: int, row: Row) -> None:
        rows[number] = row
        if options.rows is not None:
            with options.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"number": number, **dataclasses.asdict(row)}) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        site = prepare([package.resolve() for package in options.packages], options.keep or Path(folder))
        run_all(site, left, options.jobs, options.timeout, done)
    table = report([rows[number] for number in sorted(rows)])
    if len(rows) == len(cases):
        (HERE / "real_packages.md").write_text(table, encoding="utf-8")
    print(table.split("| module")[0].strip())
    return 0 if all(row.verdict in GOOD for row in rows.values()) else 1


def earlier(path: Path) -> dict[int, Row]:
    """The rows in a file, the last one of each case."""
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        values = json.loads(line)
        number = values.pop("number")
        rows[number] = Row(**{**values, "codes": tuple(values["codes"])})
    return rows


if __name__ == "__main__":
    sys.exit(main())
