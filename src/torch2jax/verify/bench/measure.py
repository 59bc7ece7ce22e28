"""Measure the cases of a program: a process per contender, and all of them in turns."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

from torch2jax.options import Options
from torch2jax.verify.bench.batches import batch_of, shapes_of, with_batch
from torch2jax.verify.bench.cases import title_of
from torch2jax.verify.bench.messages import Begin, Begun, Job, Ready
from torch2jax.verify.bench.race import race, rounds_within
from torch2jax.verify.bench.report import BenchReport, Measurement
from torch2jax.verify.bench.settings import NO_DEVICE, BenchError, BenchSettings, Contender
from torch2jax.verify.bench.workers import Worker
from torch2jax.verify.cases import Case
from torch2jax.verify.children import Limits
from torch2jax.verify.inputs import parse_inputs
from torch2jax.verify.programs import Programs, translated

LIMITS = Limits(seconds=300.0, first=300.0)

Tell = Callable[[str], object]


def silent(sentence: str) -> None:
    """Nobody listens."""


def bench(
    path: str | Path,
    translation: str | Path | None = None,
    *,
    cases: Sequence[Case],
    options: Options | None = None,
    settings: BenchSettings | None = None,
    limits: Limits | None = None,
    tell: Tell = silent,
    alone: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> BenchReport:
    """Measure the speed and the memory of a PyTorch file, or package, and of its translation.

    Args:
        path: the original.
        translation: a finished translation; by default the source is converted now.
        cases: what to build and call.
        options: of the conversion.
        settings: how to measure.
        limits: of each process: seconds for one step (the import, a compilation, one turn), and memory.
        tell: called with what begins.
        alone: entered while the contenders are timed, for one who has several measured at the same time.

    Raises:
        BenchError: the device is missing. CaseError: nothing can be run as asked. OSError, UnicodeDecodeError: the
        source can't be read.
    """
    settings = settings or BenchSettings()
    given = None if translation is None else Path(translation).resolve()
    tell("converting")
    with (
        translated(Path(path).resolve(), given, options or Options()) as programs,
        tempfile.TemporaryDirectory(prefix="torch2jax-", ignore_cleanup_errors=True) as folder,
    ):
        benchmark = Benchmark(programs, settings, settings.environment(folder), limits or LIMITS, tell, alone)
        measurements = [m for case in cases for m in benchmark.case(case)]
    return BenchReport(settings, benchmark.environment(), tuple(measurements))


class Benchmark:
    """The measurements of one pair of programs."""

    def __init__(
        self,
        programs: Programs,
        settings: BenchSettings,
        variables: Mapping[str, str],
        limits: Limits,
        tell: Tell,
        alone: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """``variables``: of the environment that the processes get."""
        self.programs, self.settings, self.limits, self.tell = programs, settings, limits, tell
        self._variables, self._alone = variables, alone
        self._load_before = _load()
        self._ready: dict[Contender, Ready] = {}

    def case(self, case: Case) -> Iterator[Measurement]:
        """The measurements of one case, each batch and work in turn. Raises BenchError where a device is missing."""
        specs = parse_inputs(case.inputs)
        with ExitStack() as stack:
            workers = self._started(case, stack)
            for batch in self.settings.batches or (None,):
                try:
                    shapes = shapes_of(with_batch(specs, batch))
                except BenchError as error:
                    shapes = f"batch {batch}: {error}"
                given = batch_of(specs) if batch is None else batch
                for work in self.settings.works:
                    frame = Measurement(title_of(case), given, shapes, work, Contender.TORCH)
                    yield from self._work(workers, Begin(work, batch), frame)

    def environment(self) -> Mapping[str, str]:
        """On what was measured: the device, threads, precision, versions, date, and the load before and after."""
        settings = self.settings
        versions = {name: found for ready in self._ready.values() for name, found in ready.versions.items()}
        torch, jax = self._ready.get(Contender.TORCH), self._ready.get(Contender.JAX)
        facts = {"device": _processor() if settings.device == "cpu" or jax is None else jax.device}
        if settings.device == "cpu":
            facts["threads"] = str(settings.threads)
        facts["dtype"] = settings.dtype
        matmul = [f"{name} {ready.matmul}" for name, ready in (("torch", torch), ("jax", jax)) if ready is not None]
        facts["float32 matmul precision"] = f"{settings.matmul} ({', '.join(matmul)})"
        facts |= versions | {"python": platform.python_version()}
        facts["load"] = f"{self._load_before} before, {_load()} after, {os.cpu_count()} cores"
        facts["date"] = time.strftime("%Y-%m-%d")
        return facts

    def _started(self, case: Case, stack: ExitStack) -> dict[Contender, Worker]:
        """The processes, loaded at the same time. Raises BenchError."""
        self.tell(f"{title_of(case)}: importing torch and jax")
        workers = {}
        for contender in self.settings.contenders:
            job = Job(self.programs, case, contender, self.settings)
            workers[contender] = Worker(job, self._variables, self.limits)
            stack.callback(workers[contender].close)
        self._ready |= loaded(workers, self.settings)
        return workers

    def _work(self, workers: Mapping[Contender, Worker], begin: Begin, frame: Measurement) -> list[Measurement]:
        """One race: compile one after the other, run in turns, then count memory."""
        begun: dict[Contender, Begun] = {}
        details: dict[Contender, str] = {}
        where = f"{frame.case}, {frame.shapes}, {frame.work}"
        for contender, worker in workers.items():
            self.tell(f"{where}: {contender} compiles and warms up")
            answer = None if worker.problem else worker.begin(begin)
            if answer is not None:
                begun[contender] = answer
            details[contender] = worker.problem or worker.refused if answer is None else answer.note
            if answer is None and contender is Contender.TORCH and not worker.problem:
                details = dict.fromkeys(workers, f"the original refuses: {worker.refused}")
                break
        racers = {contender: workers[contender] for contender in begun}
        settings = self.settings
        rounds = rounds_within([b.call for b in begun.values()], settings.rounds, settings.turn, settings.budget)
        self.tell(f"{where}: {rounds} rounds")
        with self._alone():
            turns = race(racers, rounds, settings.turn)
            peaks = {contender: worker.peak() for contender, worker in racers.items()}
        measurements = []
        for contender, worker in workers.items():
            mine = replace(frame, contender=contender, detail=details[contender])
            if contender in begun:
                answer = begun[contender]
                mine = replace(
                    mine,
                    detail=worker.problem or answer.note,
                    turns=turns[contender],
                    first_call=answer.first_call,
                    warm_up=answer.warm_up,
                    peak=peaks[contender],
                    compile_peak=answer.compile_peak,
                )
            measurements.append(mine)
        return measurements


def loaded(workers: Mapping[Contender, Worker], settings: BenchSettings) -> dict[Contender, Ready]:
    """Wait until the processes have loaded their programs; without those that can't. Raises BenchError."""
    ready = {contender: answer for contender, worker in workers.items() if (answer := worker.ready()) is not None}
    lacking = [worker.problem for worker in workers.values() if NO_DEVICE in worker.problem]
    if settings.device == "gpu" and lacking:
        raise BenchError(f"--device gpu needs CUDA in torch and in jax: {', and '.join(dict.fromkeys(lacking))}")
    return ready


def require_device(settings: BenchSettings, limits: Limits) -> None:
    """See that both frameworks have the device. Raises BenchError, with all that is missing."""
    path = Path("nothing.py")
    programs = Programs(path.parent, path.parent, frozenset(), "", {})
    with tempfile.TemporaryDirectory(prefix="torch2jax-") as folder, ExitStack() as stack:
        workers = {}
        for contender in (Contender.TORCH, Contender.JAX):
            job = Job(programs, None, contender, settings)
            workers[contender] = Worker(job, settings.environment(folder), limits)
            stack.callback(workers[contender].close)
        loaded(workers, settings)
        for contender, worker in workers.items():
            if worker.problem:
                raise BenchError(f"--device {settings.device}: {contender} can't be set up: it {worker.problem}")


def _load() -> str:
    """The load average of the last minute, where the system has one."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _processor() -> str:
    """The name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
