"""The whole rule book checked: every example in both frameworks, every branch reached, every header as torch has it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from torch2jax.options import Options
from torch2jax.rules.cache import RuleBook, load_book
from torch2jax.rules.model import Branch, Rule
from torch2jax.rules.skeleton import is_skeleton
from torch2jax.verify.checked import Checked
from torch2jax.verify.kept_checks import ResultsOfFiles

__all__ = ["Checked", "CheckedFile", "check_all", "check_file", "check_rules", "select", "weight"]

UNWRITTEN_RULE = "the rule is a skeleton: write its branches and examples"


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What was checked of one rule file: the results, and the names whose rules took part in them."""

    checked: tuple[Checked, ...]
    names: frozenset[str] = frozenset()


def select(book: RuleBook, pattern: str = "*") -> dict[str, list[Rule]]:
    """The rules whose name or file matches the pattern, by file, without those that other folders override."""
    files: dict[str, list[Rule]] = {}
    for rule in book.rules():
        matches = any(fnmatch(name, pattern) for name in (*rule.names, rule.file, Path(rule.file).stem))
        if matches and any(rule in book.lookup(name) for name in rule.names):
            files.setdefault(rule.file, []).append(rule)
    return files


def check_all(
    pattern: str = "*", jobs: int = 1, rules_dirs: Sequence[Path] = (), *, fresh: bool = True, styles: bool = True
) -> Iterator[list[Checked]]:
    """The results of one rule file after the other, as they come; files are spread over ``jobs`` processes.

    Without ``fresh``, files for which nothing changed since they were checked are not checked again. Without
    ``styles``, examples are run as they are written alone.
    """
    book = load_book(rules_dirs)
    files = select(book, pattern)
    results = ResultsOfFiles(book, fresh=fresh, styles=styles)
    left: dict[str, list[Rule]] = {}
    for file, rules in files.items():
        known = results.get(file, rules)
        if known is None:
            left[file] = rules
        else:
            yield known
    for file, checked in _spread(left, book, pattern, jobs, tuple(rules_dirs), styles):
        results.put(file, files[file], checked.checked, checked.names)
        yield list(checked.checked)


def _spread(
    files: Mapping[str, list[Rule]],
    book: RuleBook,
    pattern: str,
    jobs: int,
    rules_dirs: tuple[Path, ...],
    styles: bool,
) -> Iterator[tuple[str, CheckedFile]]:
    if not files:
        return
    import jax

    from torch2jax.verify.compilations import keep_compilations, kept_compilations

    with kept_compilations() as folder:
        if jobs <= 1 or len(files) <= 1:
            for file, rules in files.items():
                yield file, check_rules(rules, book, Options(rules_dirs=rules_dirs), styles=styles)
                jax.clear_caches()  # type: ignore[no-untyped-call] # which would fill the memory
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch2jax.verify.examples"])
        largest_first = sorted(files, key=lambda file: -weight(files[file]))
        workers = min(jobs, len(files))
        with ProcessPoolExecutor(workers, context, keep_compilations, (folder,)) as pool:
            tasks = {pool.submit(_check_and_forget, file, pattern, rules_dirs, styles): file for file in largest_first}
            for task in as_completed(tasks):
                yield tasks[task], task.result()


def weight(rules: Iterable[Rule]) -> int:
    """How much there is to check: the number of examples, and one for each rule."""
    return sum(1 + len(rule.examples) for rule in rules)


def check_file(file: str, pattern: str = "*", rules_dirs: Sequence[Path] = (), *, styles: bool = True) -> list[Checked]:
    """Check the rules of one file that match the pattern, in this process."""
    return list(_check_and_forget(file, pattern, tuple(rules_dirs), styles).checked)


def _check_and_forget(file: str, pattern: str, rules_dirs: tuple[Path, ...], styles: bool) -> CheckedFile:
    """Check the rules of a file; what JAX has compiled for them would fill the memory of a worker."""
    import jax

    book = load_book(rules_dirs)
    found = check_rules(select(book, pattern).get(file, []), book, Options(rules_dirs=rules_dirs), styles=styles)
    jax.clear_caches()  # type: ignore[no-untyped-call]
    return found


def check_rules(rules: Sequence[Rule], book: RuleBook, options: Options, *, styles: bool = True) -> CheckedFile:
    """Check the examples, branches and headers of rules that stand in one file. ``options`` are for the conversion."""
    from torch2jax.verify.headers import header_problem
    from torch2jax.verify.rule_check import RuleCheck
    from torch2jax.weights.layer_maps import maps_from

    checked: list[Checked] = []
    check = RuleCheck(rules, book, options, styles=styles)
    with maps_from(book):
        for rule in rules:
            if is_skeleton(rule):
                checked.append(Checked(rule.name, rule.file, rule.line, "the rule", UNWRITTEN_RULE))
                continue
            checked += check.results(rule)
            # A rule for a package that need not be installed (timm) has nothing to run.
            if not rule.examples and any(name.startswith(("torch.", "einops.")) for name in rule.names):
                checked.append(Checked(rule.name, rule.file, rule.line, "examples", "the rule has no example"))
            drift = header_problem(rule, [name for name in rule.names if len(book.lookup(name)) == 1])
            if drift is not None:
                checked.append(Checked(rule.name, rule.file, rule.line, "header", drift))
    if check.reached:
        checked += _unreached(rules, check.reached)
    return CheckedFile(tuple(checked), frozenset(check.names))


def _unreached(rules: Iterable[Rule], reached: Container[tuple[str, int, int]]) -> Iterator[Checked]:
    for rule in rules:
        for index, branch in enumerate(rule.branches):
            if rule.examples and not is_skeleton(rule) and (rule.file, rule.line, branch.line) not in reached:
                problem = "no example reaches this branch"
                yield Checked(rule.name, rule.file, branch.line, _kind_of(branch, index), problem)


def _kind_of(branch: Branch, index: int) -> str:
    return f"raise Unsupported({branch.refusal.reason!r})" if branch.refusal else f"return number {index + 1}"
