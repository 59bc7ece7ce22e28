"""Convert many files at once: read a tree, translate its Python files as one project, write the mirrored tree."""

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch2jax.conversion import Conversion, ProjectReport
from torch2jax.options import Options
from torch2jax.parallel import cores
from torch2jax.report import Diagnostic
from torch2jax.source.parse import check
from torch2jax.source.rename import rename_package
from torch2jax.source.text import SourceError, SourceText
from torch2jax.source.walk import InputError, Tree, find
from torch2jax.source.write import OutputError, check_folder, new_folder, write_new

_RECURSION_LIMIT = 20_000
_LINES_A_JOB = 1_000

Progress = Callable[[int, int], None]
"""Called with how many files are done, and how many there are."""


ProjectConverter = Callable[[Mapping[str, str], Options, Progress | None], Mapping[str, Conversion]]
"""Translates the files of a project in memory: one conversion for each, and possibly more for new files."""


@dataclass(frozen=True, slots=True)
class Result:
    """One Python file of the output.

    before: the bytes of its source, None for a new file. after: the bytes to write; those of the source where it is no
    text, and None where not even its bytes could be read. text: the decoded source. source: its path, for the
    permissions.
    """

    conversion: Conversion
    before: bytes | None
    after: bytes | None
    text: SourceText | None = None
    source: Path | None = None

    @property
    def changed(self) -> bool:
        """Whether the output differs from the source."""
        return self.before != self.after

    @property
    def lines(self) -> list[str]:
        """The lines of the source, empty where it is no text."""
        return self.text.text.split("\n") if self.text else []


@dataclass(frozen=True, slots=True)
class Batch:
    """A translated tree that is not written yet; results by path relative to the root, sorted."""

    tree: Tree
    results: Mapping[str, Result]
    notes: tuple[Diagnostic, ...] = ()

    @property
    def report(self) -> ProjectReport:
        """The report of all files."""
        files = {path: result.conversion for path, result in self.results.items()}
        return ProjectReport(files, tuple(self.tree.others), self.notes)


def convert_project(
    source_dir: str | Path,
    output_dir: str | Path,
    *,
    options: Options | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ProjectReport:
    """Translate a folder of Python files into a new folder with the same files; what is no Python is copied.

    The output appears when all of it is there. Files that can't be parsed are copied and reported.

    Raises:
        InputError: the source folder does not exist.
        OutputError: the output folder exists and is not empty (without `force`), is inside the source, or can't be
            written.
    """
    source, output = Path(source_dir), Path(output_dir)
    if not source.is_dir():
        raise InputError(f"{source}: there is no such folder.")
    tree = find([source])
    check_folder(output, [source], force=force)
    batch = translate(tree, options or Options(), progress=progress, name=output.resolve().name)
    write_tree(batch, output)
    return batch.report


def translate(
    tree: Tree,
    options: Options,
    *,
    converter: ProjectConverter | None = None,
    progress: Progress | None = None,
    name: str | None = None,
) -> Batch:
    """Translate the Python files of a tree in memory.

    name: what the output folder will be called; where the tree is a package that imports itself by name, those
    imports follow. Raises OutputError where that is no name for a package.
    """
    data: dict[str, bytes] = {}
    unreadable: dict[str, Result] = {}
    for path in tree.python:
        try:
            data[path] = (tree.base / path).read_bytes()
        except OSError as error:
            reason = Diagnostic.of("T2J109", f"the file can't be read: {error.strerror}", path=tree.display(path))
            unreadable[path] = Result(Conversion("", (reason,)), None, None)
    # A package needs its own name in the paths, or imports of itself by that name would lead nowhere.
    prefix = f"{tree.base.name}/" if tree.is_package else ""
    keyed = {prefix + path: content for path, content in data.items()}
    results = {}
    for key, result in translate_bytes(keyed, options, converter or _convert_files, progress).items():
        path = key.removeprefix(prefix)
        found = result.conversion
        code = _renamed(found.code, tree.base.name, name) if prefix and result.text else found.code
        conversion = _at_path(replace(found, code=code), tree.display(path))
        encoded = _encoded(conversion, result.before, result.text)
        results[path] = replace(encoded, source=tree.base / path if path in data else None)
    return Batch(tree, dict(sorted({**results, **unreadable}.items())), tuple(_notes(tree)))


def translate_bytes(
    files: Mapping[str, bytes], options: Options, converter: ProjectConverter, progress: Progress | None = None
) -> dict[str, Result]:
    """Decode, convert, encode. What is no text comes back as it is, with a diagnostic."""
    results: dict[str, Result] = {}
    texts: dict[str, SourceText] = {}
    for path, data in files.items():
        text = None
        try:
            text = SourceText.decode(data, path)
            check(text.text, path)
        except SourceError as error:
            results[path] = Result(Conversion(text.text if text else "", (error.diagnostic,)), data, data, text)
        else:
            texts[path] = text
    sources = {path: text.text for path, text in texts.items()}
    for path, conversion in convert_safely(sources, options, converter, progress).items():
        results[path] = _encoded(conversion, files.get(path), texts.get(path))
    return results


def translate_text(data: bytes, name: str, options: Options, *, converter: ProjectConverter | None = None) -> Result:
    """Translate one file that stands alone; its helpers go to its end."""
    result = translate_bytes({name: data}, options, converter or _convert_one)[name]
    return replace(result, conversion=_at_path(result.conversion, name))


def convert_safely(
    texts: Mapping[str, str], options: Options, converter: ProjectConverter, progress: Progress | None = None
) -> dict[str, Conversion]:
    """Convert, and turn a failure of the converter itself into a diagnostic of the file that it fails on (T2J110)."""
    try:
        with _deep_recursion():
            return dict(converter(texts, options, progress))
    except Exception as error:
        if os.environ.get("TORCH2JAX_DEBUG"):
            raise
        if len(texts) == 1:
            return {path: _failed(path, text, error) for path, text in texts.items()}
        failure = error
    bad = {path: _failure(path, text, options, converter) for path, text in texts.items()}
    broken = {path: _failed(path, texts[path], error) for path, error in bad.items() if error is not None}
    rest = {path: text for path, text in texts.items() if path not in broken}
    if not broken:  # each file works alone: no one knows which of them it is
        return {path: _failed(path, text, failure) for path, text in texts.items()}
    return {**convert_safely(rest, options, converter, progress), **broken} if rest else broken


def write_tree(batch: Batch, output: Path) -> None:
    """Write a translated tree and copy the rest. Raises OutputError, and leaves everything as it was then."""
    tree = batch.tree
    with new_folder(output) as folder:
        for path in tree.others:
            _copy(tree, path, folder / path)
        for path, result in batch.results.items():
            if result.after is not None:
                write_new(folder / path, result.after, mode_of=result.source)
        for path, link in tree.links.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(link)


def _copy(tree: Tree, path: str, target: Path) -> None:
    """Copy a file that is no Python. Raises OutputError where it went away or closed since the folder was listed."""
    source = tree.base / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy2(source, target)
    except OSError as error:
        if os.access(source, os.R_OK):
            raise
        raise OutputError(f"{tree.display(path)}: can't be read: {error.strerror}. Nothing was written.") from None


def _convert_files(texts: Mapping[str, str], options: Options, progress: Progress | None) -> Mapping[str, Conversion]:
    """Translate the files as one project."""
    from torch2jax.convert import convert_files  # the engine takes a while to load

    done = itertools.count(1)
    report = partial(_count_file, progress, done, len(texts)) if progress else None
    # Forking pays from some thousand lines on.
    jobs = min(cores(), sum(text.count("\n") for text in texts.values()) // _LINES_A_JOB)
    return convert_files(texts, options, progress=report, jobs=jobs)


def _count_file(progress: Progress, done: Iterator[int], total: int, path: str) -> None:
    progress(next(done), total)


def _convert_one(texts: Mapping[str, str], options: Options, progress: Progress | None) -> Mapping[str, Conversion]:
    """Translate a file that stands alone."""
    from torch2jax.convert import convert  # the engine takes a while to load

    return {path: convert(text, filename=path, options=options) for path, text in texts.items()}


def _failure(path: str, text: str, options: Options, converter: ProjectConverter) -> Exception | None:
    """What the converter raises for a file alone."""
    try:
        with _deep_recursion():
            converter({path: text}, options, None)
    except Exception as error:
        return error
    return None


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let visitors go as deep as the parsers allow: a sum of 200 terms is 200 levels deep, of several frames each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _failed(path: str, text: str, error: Exception) -> Conversion:
    """The file as it is, with the reason."""
    if isinstance(error, RecursionError):
        found = Diagnostic.of("T2J109", "the file is nested too deeply to be translated", path=path)
    else:
        reason = f"torch2jax failed on this file: {type(error).__name__}: {error}".split("\n")[0]
        found = Diagnostic.of("T2J110", reason, path=path, hint="a bug; set TORCH2JAX_DEBUG=1 for the traceback")
    return Conversion(text, (found,))


def _at_path(conversion: Conversion, path: str) -> Conversion:
    """The conversion with the path in its findings that the user knows."""
    return replace(conversion, diagnostics=tuple(replace(d, path=path) for d in conversion.diagnostics))


def _encoded(conversion: Conversion, before: bytes | None, text: SourceText | None) -> Result:
    """The bytes of a conversion; those of the source where the code is the same, whatever its newlines."""
    if before is not None and (text is None or conversion.code == text.text):
        return Result(conversion, before, before, text)
    return Result(conversion, before, (text or SourceText("")).encode(conversion.code), text)


def _renamed(code: str, old: str, new: str | None) -> str:
    """The code of a file of the package `old` as it is in the package `new`."""
    if new is None or new == old:
        return code
    renamed = rename_package(code, old, new)
    if renamed != code and not new.isidentifier():
        raise OutputError(
            f"{new}: is no name for a package, and the package {old} imports itself by name; choose another with -o."
        )
    return renamed


def _notes(tree: Tree) -> Iterator[Diagnostic]:
    for path in tree.notebooks:
        yield Diagnostic.of("T2J303", "a notebook, copied and not translated", path=tree.display(path))
    for path, reason in tree.skipped.items():
        code = "T2J109" if "read" in reason else "T2J303"
        yield Diagnostic.of(code, f"left out: {reason}", path=tree.display(path))
