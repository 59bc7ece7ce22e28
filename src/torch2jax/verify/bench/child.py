"""The process of one contender: it loads its program, then does what it is asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.connection import Connection
from typing import Protocol

from torch2jax.verify.bench.batches import with_batch
from torch2jax.verify.bench.cores import Cores
from torch2jax.verify.bench.messages import Begin, Begun, FindPeak, Job, Peak, Ready, Refused, Request, TakeTurn
from torch2jax.verify.bench.race import Turn, timed_turn
from torch2jax.verify.bench.settings import BenchError, Contender, Work
from torch2jax.verify.calls import CallArrays, take_apart
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.inputs import parse_inputs
from torch2jax.verify.sides import SEED
from torch2jax.verify.spaces import Space

_WARM_CALLS = 3
_WARM_SECONDS = 0.3
_PEAK_SECONDS = 0.1


class Side(Protocol):
    """One framework's way to build the program, run it, and count its memory."""

    space: Space

    def load(self) -> None:
        """Import the program."""

    def running(self) -> AbstractContextManager[object]:
        """Its own modules importable."""

    def prepare(self, work: Work, inputs: CallArrays) -> tuple[Callable[[], object], str]:
        """A function that runs the work once, and a note."""

    def reset_peak(self) -> None:
        """Forget the most memory that was held so far."""

    def peak(self) -> int | None:
        """The most bytes since then."""


def serve(connection: Connection, job: Job) -> None:
    """Load the program and answer requests until the connection is closed. Never raises what the program raises."""
    sys.argv = [str(job.programs.original_root)]
    with ExitStack() as stack:
        try:
            ready = set_up(job)
            if job.case is None:
                connection.send(ready)
                return
            side = side_of(job, job.case)
            side.load()
            stack.enter_context(side.running())
        except BenchError as error:
            connection.send(Refused(str(error)))
            return
        except FAILURES as error:
            connection.send(Refused(one_line(error)))
            return
        connection.send(ready)
        service = _Service(job.case, side, Cores(job.settings.threads))
        while True:
            try:
                request = connection.recv()
            except EOFError:
                return
            connection.send(service.answer(request))


def set_up(job: Job) -> Ready:
    """Set the framework of a job up. Raises BenchError."""
    if job.contender is Contender.JAX:
        from torch2jax.verify.bench import jax_side

        return jax_side.set_up(job.settings)
    from torch2jax.verify.bench import torch_side

    return torch_side.set_up(job.settings, compiled=job.contender is Contender.COMPILED)


def side_of(job: Job, case: Case) -> Side:
    """The contender of a job."""
    if job.contender is Contender.JAX:
        from torch2jax.verify.bench.jax_side import JaxSide

        return JaxSide(job, case)
    from torch2jax.verify.bench.torch_side import TorchSide

    return TorchSide(job, case)


class _Service:
    """What the process does for each request."""

    def __init__(self, case: Case, side: Side, cores: Cores) -> None:
        self.case, self.side, self.cores = case, side, cores
        self._call: Callable[[], object] | None = None

    def answer(self, request: Request) -> Begun | Turn | Peak | Refused:
        """Do it."""
        try:
            if isinstance(request, Begin):
                return self._begin(request)
            assert self._call is not None
            if isinstance(request, TakeTurn):
                return timed_turn(self._call, request.seconds)
            assert isinstance(request, FindPeak)
            return self._peak()
        except (BenchError, CaseError) as error:
            return Refused(str(error))
        except FAILURES as error:
            return Refused(one_line(error, self.side.space.root))

    def _begin(self, request: Begin) -> Begun:
        self._call = None
        self.cores.use_all()
        inputs = take_apart(with_batch(parse_inputs(self.case.inputs), request.batch).draw(SEED))
        self.side.reset_peak()
        call, note = self.side.prepare(request.work, inputs)
        start = time.perf_counter()
        call()
        first = time.perf_counter() - start
        self.cores.use_some()
        start = time.perf_counter()
        calls: list[float] = []
        while len(calls) < _WARM_CALLS or time.perf_counter() - start < _WARM_SECONDS:
            before = time.perf_counter()
            call()
            calls.append(time.perf_counter() - before)
        self._call = call
        return Begun(first, time.perf_counter() - start, min(calls), self.side.peak(), note)

    def _peak(self) -> Peak:
        assert self._call is not None
        self.side.reset_peak()
        timed_turn(self._call, _PEAK_SECONDS)
        return Peak(self.side.peak())
