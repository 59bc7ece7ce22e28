"""Which mutants of a rule (`torch2jax.rules.mutants`) its examples notice.

A mutant is noticed where it changes what the conversion refuses, or where its translation no longer agrees. Torch's
side of an example is run once; a translation that is the same as the rule's own is not run, and an equal one not twice.
That the examples agree with the rule as it is, is for `torch2jax check` to say.
"""

from __future__ import annotations

import ast
import multiprocessing
import signal
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from torch2jax.conversion import Conversion
from torch2jax.convert import convert_with
from torch2jax.options import Options
from torch2jax.report import Severity
from torch2jax.rules.cache import RuleBook, load_book
from torch2jax.rules.model import Rule
from torch2jax.rules.mutants import Mutant, mutants
from torch2jax.verify.checking import select
from torch2jax.verify.examples import ExampleResult, Original, Status, judge, run_original
from torch2jax.verify.headers import header_problem
from torch2jax.verify.kept import Kept, digest, essence, frameworks, own_helpers
from torch2jax.verify.probes import Probe, probes
from torch2jax.weights.layer_maps import maps_from

_SOURCES = ("examples.py", "built_state.py", "probes.py", "rendering.py", "mutation.py", "../rules/mutants.py")
"""What decides about mutants beside the rule; the converter does too, but a change there seldom matters."""

_LONGEST = 60
"""Seconds after which a translation counts as hanging."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant; noticed_by: the example that noticed it, empty if none did."""

    rule: str
    file: str
    line: int
    change: str
    noticed_by: str = ""

    @property
    def survived(self) -> bool:
        """Whether no example noticed it."""
        return not self.noticed_by


def mutate(rule: Rule, book: RuleBook, options: Options) -> Iterator[Verdict]:
    """A verdict for each mutant of a rule of the book. A rule without examples has nothing that could notice."""
    trials = [_Trial(probe, rule, book, options) for probe in probes(rule) if probe.program is not None]
    readable = [name for name in rule.names if len(book.lookup(name)) == 1]
    for mutant in mutants(rule):
        by = "the header" if header_problem(mutant.rule, readable) and mutant.rule.params != rule.params else ""
        by = by or _noticed_by(mutant, rule, trials, book)
        yield Verdict(rule.name, rule.file, mutant.line, mutant.change, by)


def _noticed_by(mutant: Mutant, rule: Rule, trials: Sequence[_Trial], book: RuleBook) -> str:
    broken = book.with_rule(rule, mutant.rule)
    restated = mutant.rule.state != rule.state
    with maps_from(broken):
        for trial in trials:
            if (mutant.branch is None or trial.takes(mutant.branch)) and trial.notices(broken, restated):
                return trial.probe.what.splitlines()[-1]
    return ""


class _Trial:
    """One example: its translation by the rule as it is, and what became of the others."""

    def __init__(self, probe: Probe, rule: Rule, book: RuleBook, options: Options) -> None:
        assert probe.program is not None
        self.probe = probe
        self._program = probe.program
        self._options = options
        self._original: Original | None = None
        self._known: dict[tuple[str, bool], bool] = {}
        self._own = _translated(book, probe, options)
        self._lines = {
            branch.line for name, file, line, branch in self._own.trace if (file, line) == (rule.file, rule.line)
        }

    def takes(self, line: int) -> bool:
        """Whether the example takes the branch on this line; one that is refused says nothing of it."""
        return line in self._lines or not self._own.ok

    def notices(self, book: RuleBook, restated: bool) -> bool:
        """Whether the example shows that the book's rule is another one."""
        try:
            conversion = _translated(book, self.probe, self._options)
        except Exception:
            return True  # it can't even be translated
        errors = _errors(conversion)
        if errors or _errors(self._own):
            return errors != _errors(self._own)
        if conversion.code == self._own.code and not restated:
            return False
        if restated:
            return self._differs(conversion)
        key = conversion.code, restated
        if key not in self._known:
            self._known[key] = self._differs(conversion)
        return self._known[key]

    def _differs(self, conversion: Conversion) -> bool:
        try:
            with _limited(_LONGEST), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result: ExampleResult = judge(
                    self.probe.example, conversion, self._torch_side, uncompiled=False, values_first=True
                )
        except TimeoutError:
            return True
        return result.status is not Status.AGREES

    def _torch_side(self) -> Original:
        if self._original is None:
            self._original = run_original(self._program)
        return replace(self._original)


def _translated(book: RuleBook, probe: Probe, options: Options) -> Conversion:
    assert probe.program is not None
    return convert_with(book, probe.program.source, filename="example.py", options=options)


def _errors(conversion: Conversion) -> list[str]:
    return [d.message for d in conversion.diagnostics if d.severity is Severity.ERROR]


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """TimeoutError after so many seconds, where the system can interrupt."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> Any:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# ---- the whole book ----


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: rules that are done, and all."""

    done: int
    total: int
    verdicts: tuple[Verdict, ...]


def mutate_all(
    patterns: Sequence[str] = ("*",), jobs: int = 1, rules_dirs: Sequence[Path] = (), *, fresh: bool = False
) -> Iterator[Progress]:
    """The verdicts of one rule after the other; those of rules that did not change come from the last run."""
    book = load_book(rules_dirs)
    files = [select(book, pattern) for pattern in patterns]
    rules = list(
        dict.fromkeys(rule for groups in files for group in groups.values() for rule in group if rule.examples)
    )
    kept = Kept("mutants", fresh=fresh)
    sources = [ast.dump(ast.parse((Path(__file__).parent / name).read_bytes())) for name in _SOURCES]
    keys = {_name(rule): digest(essence(rule), own_helpers(rule), frameworks(), sources) for rule in rules}
    known = {name: kept.get(name, key) for name, key in keys.items()}
    done = 0
    for rule in rules:
        if known[_name(rule)] is not None:
            done += 1
            yield Progress(done, len(rules), _restored(rule, known[_name(rule)]))
    left = [rule for rule in rules if known[_name(rule)] is None]
    for rule, verdicts in _spread(left, book, jobs, tuple(rules_dirs)):
        done += 1
        kept.put(_name(rule), keys[_name(rule)], [(v.line - rule.line, v.change, v.noticed_by) for v in verdicts])
        yield Progress(done, len(rules), tuple(verdicts))


def _name(rule: Rule) -> str:
    return f"{Path(rule.file).stem} {rule.function} {' '.join(rule.names)}"


def _restored(rule: Rule, kept: Sequence[tuple[int, str, str]]) -> tuple[Verdict, ...]:
    return tuple(Verdict(rule.name, rule.file, rule.line + line, change, by) for line, change, by in kept)


def _spread(
    rules: Sequence[Rule], book: RuleBook, jobs: int, rules_dirs: tuple[Path, ...]
) -> Iterator[tuple[Rule, list[Verdict]]]:
    options = Options(rules_dirs=rules_dirs)
    if jobs <= 1 or len(rules) <= 1:
        for rule in rules:
            yield rule, list(mutate(rule, book, options))
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch2jax.verify.examples"])
    with ProcessPoolExecutor(min(jobs, len(rules)), mp_context=context) as pool:
        tasks = {pool.submit(_mutated, rule, options): rule for rule in rules}
        for task in as_completed(tasks):
            yield tasks[task], task.result()


def _mutated(rule: Rule, options: Options) -> list[Verdict]:
    return list(mutate(rule, load_book(options.rules_dirs), options))
