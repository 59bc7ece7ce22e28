"""Conversion: the stages in their order."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from torch2jax.codes import severity_of
from torch2jax.conversion import Conversion, Coverage, Interface
from torch2jax.infer.derived import inherits_call, keeps_torch_order
from torch2jax.infer.distributed import note_launcher
from torch2jax.infer.interpret import interpreted
from torch2jax.infer.layout import describe
from torch2jax.infer.program import FileInfo, FunctionInfo, Program
from torch2jax.options import Options
from torch2jax.parallel import forked_map
from torch2jax.regions.derivatives import find_derivatives
from torch2jax.regions.find import find_regions
from torch2jax.regions.grouped import over_parameters
from torch2jax.regions.own_gradients import by_backward
from torch2jax.regions.passing import passed
from torch2jax.regions.static_masks import find_static_masks
from torch2jax.report import Severity
from torch2jax.rewrite.emit import Emitted, emit_file, helpers_module
from torch2jax.rewrite.helper_library import MODULE_NAME
from torch2jax.rewrite.line_marks import without_marks
from torch2jax.rules.cache import RuleBook, load_book
from torch2jax.source import by_hand, copies, families
from torch2jax.source.choices import branched
from torch2jax.source.inlining import inlined
from torch2jax.source.phases import separated
from torch2jax.source.project import Project
from torch2jax.source.scope import Binding, bind
from torch2jax.source.text import SourceError
from torch2jax.source.unrolling import unrolled
from torch2jax.source.updating import updates_written_out

SourceLines: TypeAlias = dict[str, dict[int, int]]
TORCH_FAMILY = ("torch", "torchvision", "torchaudio", "timm")


@lru_cache(maxsize=4)
def _book(dirs: tuple[Path, ...]) -> RuleBook:
    return load_book(dirs)


def convert(source: str, *, filename: str = "<string>", options: Options = Options()) -> Conversion:
    """Translate one file of PyTorch source. Syntax errors are reported as a diagnostic, and the source comes back."""
    path = Path(filename).name if filename != "<string>" else filename
    return convert_files({path: source}, options, single=True)[path]


def convert_with(book: RuleBook, source: str, *, filename: str, options: Options = Options()) -> Conversion:
    """`convert` with the rules of this book instead of those that the options name."""
    with _uncollected():
        return _convert_files({filename: source}, options, True, None, 1, book=book)[filename]


def convert_files(
    files: Mapping[str, str],
    options: Options = Options(),
    *,
    single: bool = False,
    progress: Callable[[str], object] | None = None,
    jobs: int = 1,
) -> dict[str, Conversion]:
    """Translate a project: relative paths to sources in, relative paths to translations out.

    Helpers go to one module for each package (`Project.helpers_home`); ``single`` puts them into the file instead.
    ``jobs`` processes rewrite the files once everything is inferred.
    """
    with _uncollected():
        return _convert_files(files, options, single, progress, jobs)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the search for garbage in circles: trees have none, and each search would walk all of them."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def source_lines(files: Mapping[str, str], options: Options = Options(), *, single: bool = False) -> SourceLines:
    """For each file of a project, the output's lines at which statements begin, and the source's lines they come from.

    It converts once more. The lines count from 1.
    """
    found: dict[str, dict[int, int]] = {}
    with _uncollected():
        for path, conversion in _convert_files(files, options, single, None, 1, line_marks=True).items():
            found[path] = without_marks(conversion.code)[1]
    return found


def _convert_files(
    files: Mapping[str, str],
    options: Options,
    single: bool,
    progress: Callable[[str], object] | None,
    jobs: int,
    *,
    line_marks: bool = False,
    book: RuleBook | None = None,
) -> dict[str, Conversion]:
    results: dict[str, Conversion] = {}
    project = Project.of(files)
    book = book or _book(options.rules_dirs)
    parsed: dict[str, FileInfo] = {}
    bindings: dict[str, Binding] = {}
    related = project.related(path for path, source in files.items() if _mentions(source))
    for path, source in files.items():
        if path not in related:
            results[path] = Conversion(source)
            continue
        file = project[path]
        try:
            tree = file.tree
        except SourceError as error:
            results[path] = Conversion(source, (error.diagnostic,))
            continue
        name, is_package = file.module, file.is_package
        written = tree
        origins: Mapping[Any, Any] = {}
        if "backward(" in source:
            in_others = partial(_is_mentioned, [text for other, text in files.items() if other != path])
            result = inlined(tree, in_others)
            result = separated(result.tree, result.origins)
            result = branched(result.tree, result.origins)
            if by_hand.mentions(source):
                result = updates_written_out(result.tree, result.origins, in_others)
                result = unrolled(result.tree, result.origins)
                result = by_hand.with_calls(result.tree, result.origins)
            tree, origins = result.tree, result.origins
        if copies.mentions(source):
            result = copies.called_once(tree, dict(origins))
            tree, origins = result.tree, result.origins
        if families.mentions(source):
            result = families.told_apart(tree, dict(origins), partial(_names_in_flax, book))
            tree, origins = result.tree, result.origins
        bindings[path] = bind(tree)
        bound = frozenset(bindings[path].imports)
        parsed[path] = FileInfo(
            path, name, tree, is_package, import_names=bound, source=source, written=written, origins=origins
        )
    program = _understood(book, options, parsed, bindings)
    helpers: dict[str, set[str]] = {}

    def emit(path: str) -> tuple[Emitted, dict[str, Interface]]:
        level = None if single else project.helpers_home(path)[1]
        file = program.files[path]
        emitted = emit_file(program, file, bindings[path], helpers_level=level, line_marks=line_marks)
        return emitted, _interfaces(program, program.files[path])

    for path, (emitted, interfaces) in forked_map(emit, list(program.files), jobs):
        results[path] = Conversion(
            project[path].source.restore(emitted.code),
            tuple(emitted.diagnostics),
            emitted.transposes,
            Coverage(emitted.translated, emitted.flagged, emitted.dropped),
            interfaces,
            emitted.trace,
        )
        if emitted.helpers and not single:
            helpers.setdefault(project.helpers_home(path)[0], set()).update(emitted.helpers)
        if progress is not None:
            progress(path)
    for folder, names in helpers.items():
        results[f"{folder}/{MODULE_NAME}.py".lstrip("/")] = Conversion(helpers_module(names))
    return results


def _understood(book: RuleBook, options: Options, files: dict[str, FileInfo], bindings: dict[str, Binding]) -> Program:
    """What is known of the files, with changes to them that leave fewer flaws.

    Loops over the groups of optimizers go over parameters; gradients of a model's parameters come from backward passes;
    models are arguments of the functions of a loss. Then ``files`` and ``bindings`` are those of the changed files.
    """
    program = _with_regions(book, options, files, bindings)
    for change in (partial(over_parameters, bindings=bindings), by_backward, passed):
        new = change(program)
        if new is None:
            continue
        changed = {path: replace(files[path], tree=each.tree, origins=each.origins) for path, each in new.items()}
        bound = {path: bind(file.tree) for path, file in changed.items()}
        other = _with_regions(book, options, {**files, **changed}, {**bindings, **bound})
        if _flaws(other) < _flaws(program):
            files.update(changed)
            bindings.update(bound)
            program = other
    return program


def _with_regions(
    book: RuleBook, options: Options, files: dict[str, FileInfo], bindings: dict[str, Binding]
) -> Program:
    program = interpreted(book, options, files, bindings)
    find_static_masks(program)
    find_regions(program, bindings)
    find_derivatives(program, bindings)
    note_launcher(program)
    return program


def _flaws(program: Program) -> tuple[int, int]:
    """How many errors were found so far, and how many steps can't be compiled."""
    found = (finding for fn in program.functions.values() for finding in fn.facts.findings.values())
    errors = sum(severity_of(finding.code) is Severity.ERROR for finding in found)
    return errors, sum(bool(region.outside) for region in program.regions.values())


def _is_mentioned(sources: Iterable[str], name: str) -> bool:
    return any(name in source for source in sources)


def _names_in_flax(book: RuleBook, name: str) -> Mapping[str, str] | None:
    """What a layer of torch.nn calls its arrays, and what Flax does; None where there is no such layer."""
    layers = [rule for rule in book.lookup(f"torch.nn.{name}") if rule.result == "Module"]
    return (
        {entry.torch: entry.flax for rule in layers if rule.state for entry in rule.state.entries} if layers else None
    )


def _mentions(source: str) -> bool:
    return any(name in source for name in TORCH_FAMILY) or "einops" in source


def _interfaces(program: Program, file: FileInfo) -> dict[str, Interface]:
    found: dict[str, Interface] = {}
    for cls in file.classes:
        for name, method in cls.methods.items() if cls.is_module else ():
            interface = _interface(method)
            if interface is not None:
                found[cls.name if name == "forward" else f"{cls.name}.{name}"] = interface
        layer = inherits_call(program, cls) if cls.is_module else None
        layout = layer.rule.layout if layer is not None else None
        if layout is not None and layout.rank is not None and not keeps_torch_order(program, cls):
            order = " ".join(layout.target)
            found[cls.name] = Interface(dict.fromkeys(("inputs", "x"), order), order)  # what flax calls its input
        inherited = cls.find("forward") if cls.is_module else None
        if inherited is not None and "forward" not in cls.methods:
            interface = _interface(inherited)
            if interface is not None:
                found[cls.name] = interface
    return found


def _interface(method: FunctionInfo) -> Interface | None:
    if not (method.param_layouts or method.result_layout is not None):
        return None
    params = {
        name: describe(layout, len(layout)) for name, layout in method.param_layouts.items() if layout is not None
    }
    return Interface(params, _result(method.result_layout))


def _result(layout: Any) -> Any:
    if layout is None:
        return None
    if layout[0] == "tuple":
        return tuple(_result(item) for item in layout[1:])
    return describe(layout, len(layout))
