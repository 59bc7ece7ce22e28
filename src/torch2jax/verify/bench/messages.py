"""What goes between the process that measures and those of the contenders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch2jax.verify.bench.settings import BenchSettings, Contender, Work
from torch2jax.verify.cases import Case
from torch2jax.verify.programs import Programs


@dataclass(frozen=True, slots=True)
class Job:
    """What one process is for. case: None where only the frameworks are set up."""

    programs: Programs
    case: Case | None
    contender: Contender
    settings: BenchSettings


@dataclass(frozen=True, slots=True)
class Ready:
    """The framework is set up and the program imported. device, matmul: as the framework itself says."""

    versions: Mapping[str, str]
    device: str
    threads: int
    matmul: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Build the object anew, compile, and run until calls are steady. batch: None for the inputs as they are."""

    work: Work
    batch: int | None


@dataclass(frozen=True, slots=True)
class Begun:
    """It runs.

    first_call: seconds of the first call, in which it is compiled. warm_up: seconds of the calls after it. call: about
    how long one takes then. compile_peak: bytes held at most until then, beyond what the imports take. note: what is
    special about how it runs.
    """

    first_call: float
    warm_up: float
    call: float
    compile_peak: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Run for some seconds; answered by a `Turn`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FindPeak:
    """Run a few times, and say how many bytes that takes; answered by a `Peak`."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes held at most during calls, beyond what the imports take; None where the system does not say."""

    held: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """It can't be done; the detail says why."""

    detail: str


Request = Begin | TakeTurn | FindPeak
