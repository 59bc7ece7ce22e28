"""The samples of `torch2jax check`: programs with their cases beside them, verified in float64."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from torch2jax.options import Options
from torch2jax.report import Severity
from torch2jax.rules.cache import load_book
from torch2jax.verify.cases import SETTINGS, Case, CaseError, read_cases
from torch2jax.verify.checked import Checked
from torch2jax.verify.inputs import InputError
from torch2jax.verify.isolated import verify_apart
from torch2jax.verify.kept import Kept, converter, digest, environment, essence
from torch2jax.verify.report import GOOD, VerifyReport, reasons
from torch2jax.verify.sources import sources_of

SECONDS = 300.0
"""How long one step of a sample may take, as of `torch2jax verify`."""
LAST = "gradients"
"""The last rung: values in both modes, buffers and gradients, as of the examples of rules."""
_TRANSLATION = "_jax.py"
_Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Sample:
    """A file or the folder of a package, and the cases of the `verify.toml` beside it.

    lines: where the entries are defined, as far as that is in the file.
    """

    path: Path
    cases: tuple[Case, ...]
    lines: tuple[tuple[str, int], ...] = ()

    @property
    def weight(self) -> int:
        """How much there is to check."""
        return len(self.cases)

    def line(self, entry: str) -> int:
        """Where an entry is defined; 1 if that is elsewhere."""
        return dict(self.lines).get(entry, 1)


def samples_in(folder: Path) -> list[Sample]:
    """The samples at any depth of a folder, by path.

    A package that holds a `verify.toml` is one sample. Beside any other `verify.toml`, each file that defines an entry
    is one; translations (`model_jax.py` beside `model.py`) are none.

    Raises:
        CaseError: a `verify.toml` can't be read, or no file defines an entry of it. OSError, UnicodeDecodeError: a
            file can't be read.
    """
    found: list[Sample] = []
    for settings in sorted(folder.rglob(SETTINGS)):
        here, cases = settings.parent, tuple(read_cases(settings))
        if (here / "__init__.py").exists():
            found.append(Sample(here, cases))
        else:
            found += _files(here, cases)
    return found


def _files(folder: Path, cases: tuple[Case, ...]) -> Iterator[Sample]:
    left = {case.entry for case in cases}
    for file in sorted(folder.glob("*.py")):
        original = file.with_name(file.name.removesuffix(_TRANSLATION) + ".py")
        if file.name.endswith(_TRANSLATION) and original.exists():
            continue
        lines = _definitions(file)
        own = tuple(case for case in cases if case.entry in lines)
        left -= lines.keys()
        if own:
            yield Sample(file, own, tuple(lines.items()))
    if left:
        raise CaseError(f"{folder / SETTINGS}: no file beside it defines {', '.join(sorted(left))}")


def _definitions(file: Path) -> dict[str, int]:
    """The lines of the classes and functions at the top of a file; none of one that Python can't read."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError:
        return {}
    return {node.name: node.lineno for node in tree.body if isinstance(node, _Definition)}


def check_samples(
    samples: Sequence[Sample], jobs: int = 1, rules_dirs: Sequence[Path] = (), *, fresh: bool = True
) -> Iterator[tuple[Sample, list[Checked]]]:
    """The results of one sample after the other, as they come, in float64; ``jobs`` of them run at a time.

    Without ``fresh``, samples for which nothing changed since they were checked are not checked again.
    """
    kept = Kept("samples", fresh=fresh)
    book = digest(sorted(essence(rule) for rule in load_book(rules_dirs).rules()))
    keys = {sample: _key(sample, book) for sample in samples}
    known = {sample: kept.get(str(sample.path.resolve()), key) for sample, key in keys.items()}
    for sample, rows in known.items():
        if rows is not None:
            yield sample, [Checked(*row) for row in rows]
    options = Options(rules_dirs=tuple(rules_dirs))
    with ThreadPoolExecutor(jobs) as pool:  # each waits for a process of its own, which a sample may take down
        left = [sample for sample, rows in known.items() if rows is None]
        tasks = {pool.submit(_check, sample, options): sample for sample in sorted(left, key=lambda s: -s.weight)}
        try:
            for task in as_completed(tasks):
                sample, checked = tasks[task], task.result()
                kept.put(str(sample.path.resolve()), keys[sample], [_row(item) for item in checked])
                yield sample, checked
        finally:
            pool.shutdown(cancel_futures=True)


def _key(sample: Sample, book: str) -> str:
    """What the results of a sample depend on. Raises OSError, UnicodeDecodeError for a file that can't be read."""
    _, files = sources_of(sample.path)
    return digest(sorted(files.items()), sample.cases, book, environment(), converter())


def _row(item: Checked) -> tuple[str, str, int, str, str]:
    return item.rule, item.file, item.line, item.what, item.problem


def _check(sample: Sample, options: Options) -> list[Checked]:
    """Verify a sample. What can't be verified at all is a problem of the whole sample."""
    try:
        report = verify_apart(sample.path, None, sample.cases, options, timeout=SECONDS, dtypes=["float64"], last=LAST)
    except (CaseError, InputError, OSError, UnicodeDecodeError) as error:
        return [Checked(sample.path.stem, str(sample.path), 1, "the sample", str(error))]
    return list(_checked(sample, report))


def _checked(sample: Sample, report: VerifyReport) -> Iterator[Checked]:
    name, shown = sample.path.stem, str(sample.path)
    for diagnostic in report.diagnostics:
        if diagnostic.severity is Severity.ERROR:
            yield Checked(name, shown, diagnostic.line, "the conversion", f"{diagnostic.code} {diagnostic.message}")
    for case, outcomes in zip(sample.cases, report.by_case, strict=True):
        failed = reasons(outcomes)
        details = [outcome.detail for outcome in outcomes if outcome.verdict not in GOOD and outcome.detail]
        problem = f"{failed} ({details[0]})" if failed and details else failed
        yield Checked(name, shown, sample.line(case.entry), case.title, problem)
