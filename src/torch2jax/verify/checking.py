"""The whole rule book checked: every example in both frameworks, every branch reached, every header as torch has it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from torch2jax.options import Options
from torch2jax.rules.cache import RuleBook, load_book
from torch2jax.rules.model import Branch, Rule
from torch2jax.verify.probes import Probe, probes


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was checked: an example, a branch, or a header; ``problem`` is empty where it is in order."""

    rule: str
    file: str
    line: int
    what: str
    problem: str = ""

    @property
    def headline(self) -> str:
        """`file:line: rule: problem`, for people."""
        return f"{self.file}:{self.line}: {self.rule}: {self.problem}: {self.what}"


def select(book: RuleBook, pattern: str = "*") -> dict[str, list[Rule]]:
    """The rules whose name or file matches the pattern, by file."""
    files: dict[str, list[Rule]] = {}
    for rule in book.rules():
        if any(fnmatch(name, pattern) for name in (*rule.names, rule.file, Path(rule.file).stem)):
            files.setdefault(rule.file, []).append(rule)
    return files


def check_all(pattern: str = "*", jobs: int = 1, rules_dirs: Sequence[Path] = ()) -> Iterator[list[Checked]]:
    """The results of one rule file after the other, as they come; files are spread over ``jobs`` processes."""
    book = load_book(rules_dirs)
    files = select(book, pattern)
    if jobs <= 1 or len(files) <= 1:
        for rules in files.values():
            yield check_rules(rules, book, Options(rules_dirs=tuple(rules_dirs)))
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch2jax.verify.examples"])
    largest_first = sorted(files, key=lambda file: -sum(len(rule.examples) for rule in files[file]))
    with ProcessPoolExecutor(min(jobs, len(files)), mp_context=context) as pool:
        tasks = [pool.submit(check_file, file, pattern, tuple(rules_dirs)) for file in largest_first]
        for task in as_completed(tasks):
            yield task.result()


def check_file(file: str, pattern: str = "*", rules_dirs: Sequence[Path] = ()) -> list[Checked]:
    """Check the rules of one file that match the pattern, in this process."""
    book = load_book(rules_dirs)
    return check_rules(select(book, pattern).get(file, []), book, Options(rules_dirs=tuple(rules_dirs)))


def check_rules(rules: Sequence[Rule], book: RuleBook, options: Options) -> list[Checked]:
    """Check the examples, branches and headers of rules that stand in one file. ``options`` are for the conversion."""
    from torch2jax.verify.headers import header_problem
    from torch2jax.weights.layer_maps import maps_from

    checked: list[Checked] = []
    reached: set[tuple[str, int, int]] = set()
    traced = False
    with maps_from(book):
        for rule in rules:
            for number, probe in enumerate(probes(rule)):
                problem, branches = _check_probe(rule, probe, rules, options, uncompiled=number == 0)
                traced = traced or bool(branches)
                reached |= branches
                checked.append(Checked(rule.name, rule.file, probe.line, probe.what, problem))
            # A rule for a package that need not be installed (timm) has nothing to run.
            if not rule.examples and any(name.startswith(("torch.", "einops.")) for name in rule.names):
                checked.append(Checked(rule.name, rule.file, rule.line, "examples", "the rule has no example"))
            drift = header_problem(rule, [name for name in rule.names if len(book.lookup(name)) == 1])
            if drift is not None:
                checked.append(Checked(rule.name, rule.file, rule.line, "header", drift))
    return checked + (list(_unreached(rules, reached)) if traced else [])


def _check_probe(
    rule: Rule, probe: Probe, rules: Sequence[Rule], options: Options, *, uncompiled: bool
) -> tuple[str, frozenset[tuple[str, int, int]]]:
    """What is wrong with it, if anything, and the branches that it reaches."""
    from torch2jax.verify.examples import Status, run_program

    if probe.program is None:
        return probe.problem, frozenset()
    result = run_program(probe.program, probe.example, f"{rule.file}:{probe.line}", options, uncompiled=uncompiled)
    if result.status is Status.AGREES:
        return "", result.branches
    if result.status is Status.REFUSED:
        expected = frozenset(_refusals(rules, result.detail))
        return "" if expected else f"not translated: {result.detail}", result.branches | expected
    return f"{result.status}: {result.detail}", result.branches


def _refusals(rules: Iterable[Rule], message: str) -> Iterator[tuple[str, int, int]]:
    """The `raise` branches whose reason is in the message."""
    for rule in rules:
        for branch in rule.branches:
            if branch.refusal is not None and branch.refusal.reason in message:
                yield rule.file, rule.line, branch.line


def _unreached(rules: Iterable[Rule], reached: set[tuple[str, int, int]]) -> Iterator[Checked]:
    for rule in rules:
        for index, branch in enumerate(rule.branches):
            if rule.examples and (rule.file, rule.line, branch.line) not in reached:
                problem = "no example reaches this branch"
                yield Checked(rule.name, rule.file, branch.line, _kind_of(branch, index), problem)


def _kind_of(branch: Branch, index: int) -> str:
    return f"raise Unsupported({branch.refusal.reason!r})" if branch.refusal else f"return number {index + 1}"
