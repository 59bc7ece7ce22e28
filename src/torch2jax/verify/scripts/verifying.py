"""Run a script and its translation from the same weights, batches and random numbers, and compare what they do."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch2jax.options import Options
from torch2jax.verify.children import DiedError, Limits, messages_of
from torch2jax.verify.isolated import START
from torch2jax.verify.programs import Programs
from torch2jax.verify.report import GOOD, Outcome, Rung, Verdict, VerifyReport
from torch2jax.verify.scripts.job import Job
from torch2jax.verify.scripts.pinning import Pin
from torch2jax.verify.scripts.processes import original
from torch2jax.verify.scripts.processes import translation as translated_run
from torch2jax.verify.scripts.programs import script_programs
from torch2jax.verify.scripts.recording import Progress, Recording
from torch2jax.verify.scripts.workspace import check_size, copied
from torch2jax.verify.steps import Step, Texts, Watch, unwatched
from torch2jax.verify.texts import TranslatedFile, translated_files

if TYPE_CHECKING:
    from torch2jax.verify.scripts.judging import Judge, Reruns

_OPEN = GOOD | {Verdict.UNDECIDED}
_OF_COMPILATION = re.compile("[Tt]rac|[Cc]oncret|jit|Effects")
"""What is in the messages of errors that compilation may be to blame for."""
_UNWATCHABLE = "Effects not supported"
"""What JAX says where a callback stands in `jax.checkpoint` or another place that has none."""


def verify_script(
    path: Path,
    translation: Path | None = None,
    *,
    arguments: Sequence[str] = (),
    options: Options | None = None,
    steps: int | None = None,
    timeout: float = 300.0,
    memory: float | None = None,
    detailed: bool = False,
    watch: Watch = unwatched,
) -> VerifyReport:
    """Compare a script with its translation, each run in a new process and in a copy of the working directory.

    Args:
        path: the script, or a folder with `__main__.py`, `main.py` or `train.py`. What it imports from its own folder
            is converted too.
        translation: a finished translation; by default the script is converted now.
        arguments: what both find in `sys.argv`.
        options: of the conversion.
        steps: after how many differentiated losses both are stopped; None for never.
        timeout: seconds from one loss to the next.
        memory: GiB that each process may take; nearly all that is free if None.
        detailed: give the text of both programs too.
        watch: called with each step that begins, and with each outcome.

    Raises:
        CaseError: nothing can be run as asked. OSError, UnicodeDecodeError: the source can't be read.
        MissingPackageError: this environment can't verify.
    """
    path, given = path.resolve(), None if translation is None else translation.resolve()
    limits = Limits(timeout, max(timeout, START), memory)
    watch(Step("converting"))
    with (
        script_programs(path, given, options or Options()) as (programs, name),
        tempfile.TemporaryDirectory(prefix="torch2jax-") as inside,
    ):
        watch(programs.diagnostics)
        files = _texts(programs, watch) if detailed else ()
        case = shlex.join([Path(name).name, *arguments])
        job = _Work(programs, name, tuple(arguments), steps, Path(inside).resolve(), limits, watch, case)
        outcomes = tuple(_outcomes(job))
        for outcome in outcomes:
            watch(outcome)
        shown = None if given is None else str(given)
        return VerifyReport(str(path), outcomes, programs.diagnostics, files=files, translation=shown)


def _texts(programs: Programs, watch: Watch) -> tuple[TranslatedFile, ...]:
    from torch2jax.verify.line_map import LineMap

    watch(Step("finding out which lines belong together"))
    files = translated_files(programs, cache(lambda: LineMap.of(programs)))
    watch(Texts(files))
    return files


@dataclass(frozen=True, slots=True)
class _Work:
    """What every run has in common. name: the script, relative to the program's folder."""

    programs: Programs
    name: str
    arguments: tuple[str, ...]
    steps: int | None
    inside: Path
    limits: Limits
    watch: Watch
    case: str
    pinned: tuple[Pin, ...] = ()

    def run(
        self, who: str, work: Callable[..., None], *given: Any, files: dict[str, str], silent: bool, updates: int = 0
    ) -> Recording:
        """One run in a process of its own; how it died is the recording's error."""
        with copied(Path.cwd(), self.programs.original_root, files, self.inside) as space:
            script = space.root / self.name
            job = Job(script, space.root, space.folder, self.arguments, self.steps, updates, silent, self.pinned)
            losses: int | None = None
            self._tell(f"importing torch and jax for {who}")
            try:
                for message in messages_of(work, (job, *given), self.limits):
                    if isinstance(message, Recording):
                        return message
                    if isinstance(message, Progress):
                        losses = message.losses
                        self._tell(f"running {who}{f', {losses} losses' if losses else ''}")
            except DiedError as error:
                after = f" after {losses} losses" if losses else ""
                return Recording(error=f"{error}{after}")
        raise AssertionError("unreachable: a process that ends by itself has sent its recording")

    def _tell(self, what: str) -> None:
        self.watch(Step(what, self.outcome(Rung.RUNS, Verdict.NOT_REACHED)))

    def outcome(self, rung: Rung, verdict: Verdict, detail: str = "") -> Outcome:
        """An outcome without numbers."""
        return Outcome(self.case, rung, "float64", verdict, detail=detail)

    def original(self, moved: int | None = None, *, silent: bool = True) -> Recording:
        """Run the original; silently, as it is run again and again."""
        return self.run("the original", original, moved, files={}, silent=silent)

    def translation(self, expected: Recording, *, compiled: bool) -> Recording:
        """Run the translation from the weights of the original's run."""
        root = self.programs.translation_root
        paths = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.py"))}
        files = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
        roots = [replace(root, last={}) for root in expected.roots]
        names = {name: tuple(arrays) for name, arrays in expected.models.items()}
        who = "the translation" if compiled else "the translation without jax.jit"
        given = (roots, names, compiled)
        found = self.run(who, translated_run, *given, files=files, silent=not compiled, updates=expected.updates)
        found.error = found.error.replace(f"({self.name}:", f"({self.programs.shown(self.name)}:")
        return found


def _outcomes(work: _Work) -> list[Outcome]:
    """All rungs. Compiled, as its user runs it, the translation must agree; if it does not, it is run uncompiled."""
    root, working = work.programs.original_root, Path.cwd()
    check_size(working, *([] if root.is_relative_to(working) else [root]))
    expected = work.original(silent=False)
    if expected.error:
        return _judge(work, expected, Recording(), None).outcomes()
    reruns = _reruns(work)
    compiled = work.translation(expected, compiled=True)
    outcomes = _with_pins(work, expected, compiled, reruns)
    if all(outcome.verdict in GOOD for outcome in outcomes):
        return [*outcomes, work.outcome(Rung.JIT, Verdict.AGREES)]
    if compiled.weights or (compiled.error and not _OF_COMPILATION.search(compiled.error)):
        return outcomes
    plain = _judge(work, expected, work.translation(expected, compiled=False), reruns).outcomes()
    if not all(outcome.verdict in GOOD for outcome in plain):
        return outcomes
    if _UNWATCHABLE in compiled.error:
        detail = "not compared: what is drawn inside jax.checkpoint can't be watched under jax.jit"
        return [*plain, work.outcome(Rung.JIT, Verdict.INFORMATION, detail)]
    wrong = next(outcome for outcome in outcomes if outcome.verdict not in GOOD)
    detail = f"{wrong.rung}: {wrong.detail or wrong.verdict}; without jax.jit everything agrees"
    verdict = Verdict.UNTRACEABLE if wrong.verdict is Verdict.FAILS else Verdict.DIFFERS
    return [*plain, work.outcome(Rung.JIT, verdict, detail)]


def _with_pins(work: _Work, expected: Recording, actual: Recording, reruns: Reruns) -> list[Outcome]:
    """All rungs but the last. Where gradients that are only rounding leave something open, they are set to zero."""
    judge = _judge(work, expected, actual, reruns)
    outcomes = judge.outcomes()
    if _are_good(outcomes) or not all(outcome.verdict in _OPEN for outcome in outcomes):
        return outcomes
    unmoved = judge.unmoved()
    for pins in dict.fromkeys((unmoved, judge.uncertain())):
        pinned = replace(work, pinned=pins)
        again = pinned.original() if pins and not _are_good(outcomes) else None
        if again is None or (pins != unmoved and not _is_as_before(_judge(work, expected, again, reruns).outcomes())):
            continue
        decided = _judge(pinned, again, pinned.translation(again, compiled=True), None).outcomes()
        names = ", ".join(f"{kind}.{name}" for _, kind, name in pins)
        note = f"the gradients of {names} are only rounding: they were set to zero on both sides"
        outcomes = [replace(o, detail=note) if o.rung is Rung.MODELS and not o.detail else o for o in decided]
    return outcomes


def _are_good(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.verdict in GOOD for outcome in outcomes)


def _is_as_before(outcomes: Sequence[Outcome]) -> bool:
    """Whether the original does the same without some gradients: they were only rounding, and nothing rests on them."""
    losses = next((outcome.verdict for outcome in outcomes if outcome.rung is Rung.LOSSES), None)
    return losses in GOOD and all(outcome.verdict in _OPEN for outcome in outcomes)


def _judge(work: _Work, expected: Recording, actual: Recording, reruns: Reruns | None) -> Judge:
    """Judges two recordings. reruns: those of the original, if there are some already."""
    from torch2jax.verify.scripts.judging import Judge

    return Judge(work.case, expected, actual, reruns or _reruns(work), work.programs.shown)


def _reruns(work: _Work) -> Reruns:
    from torch2jax.verify.scripts.judging import Reruns

    return Reruns(partial(work.original, silent=True))
