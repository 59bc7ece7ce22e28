"""The cases that a program offers by itself, for want of anybody who says what to run."""

from __future__ import annotations

import ast
import inspect
import re
import time
import warnings
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from torch2jax.verify.cases import SETTINGS, Case, CaseError
from torch2jax.verify.discovery.arguments import arguments_for, with_mentioned
from torch2jax.verify.discovery.classes import factories, outermost_classes, own_classes
from torch2jax.verify.discovery.expressions import InexpressibleError, Writer, inputs_like
from torch2jax.verify.discovery.limits import TooLongError, deadline, without_traces
from torch2jax.verify.discovery.recording import Call, Recorder, run_examples
from torch2jax.verify.discovery.search import find_inputs, varied_inputs
from torch2jax.verify.discovery.shapes import Sizes
from torch2jax.verify.discovery.trials import Trial, try_call
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.inputs import Inputs, format_inputs
from torch2jax.verify.sources import bare_packages, default_module, module_name, sources_of
from torch2jax.verify.spaces import Space, top_level_names
from torch2jax.verify.steps import Step, Watch, unwatched

EXAMPLES = "examples"
_EXAMPLE_SECONDS = 30.0
_BUILD_SECONDS = 20.0
_CLASS_SECONDS = 20.0
_CANDIDATE_SECONDS = 5.0
_CALLS_PER_CLASS = 3
_IMAGE_SIZES = re.compile(
    r"\w*(img|image|input|spatial)_?(size|res|resolution|shape|side|height|width)|resolution|side"
)

_FRAMES = re.compile(r"(num_|n_)?frames")


@dataclass
class Discovery:
    """The cases of a program, and a sentence for each class without one."""

    cases: list[Case] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass
class _Program:
    """What the cases are looked for in: the modules, and those that can't be imported with the reason."""

    space: Space
    default: str
    modules: list[ModuleType]
    broken: list[str]

    def entry(self, module: ModuleType, name: str) -> str:
        return name if module.__name__ == self.default else f"{module.__name__}:{name}"


def discover(path: Path, watch: Watch = unwatched) -> Discovery:
    """What can be built and called in a file, package or folder. Raises CaseError where nothing is found."""
    return collected(path, search(path, watch))


def collected(path: Path, findings: Iterable[Case | str]) -> Discovery:
    """All that a search finds. Raises CaseError where that is no case."""
    found = Discovery()
    for finding in findings:
        if isinstance(finding, Case):
            found.cases.append(finding)
        else:
            found.left_out.append(finding)
    if found.cases:
        return found
    if found.left_out:
        raise CaseError(f"{path}: nothing was found that runs; {found.left_out[0]}")
    advice = f"say --entry, --args and --input, or write a {SETTINGS} beside it"
    raise CaseError(f"{path}: found no module class to run; {advice}")


def search(
    path: Path, watch: Watch = unwatched, *, examples: bool = True, skipped: Container[str] = ()
) -> Iterator[Case | str]:
    """Cases, and sentences about classes without one, as they are found.

    Args:
        path: a file, package or folder.
        watch: called with each step that begins; its subject is EXAMPLES, or the entry of a class.
        examples: whether the main blocks and tests of the files may run, to see what they build and call.
        skipped: entries to leave out.

    Raises:
        CaseError: nothing can be imported. OSError, UnicodeDecodeError: a file can't be read.
    """
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        program = _import_all(path)
        stack.enter_context(program.space.active())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        declared = _declared(program)
        if declared is not None:
            yield declared
            return
        yield from program.broken
        wanted = outermost_classes(program.modules)
        for module in program.modules:
            if examples and own_classes(module):
                watch(Step(f"running the examples in {module.__name__}", subject=EXAMPLES))
                recorder = Recorder(program.space.names)
                run_examples(module, recorder, _EXAMPLE_SECONDS)
                recorded = list(_recorded(program, module, recorder))
                yield from recorded
            else:
                recorded = []
            done = {case.entry for case in recorded}
            for cls in wanted:
                entry = program.entry(module, cls.__name__)
                if cls.__module__ == module.__name__ and entry not in done and entry not in skipped:
                    watch(Step(f"looking for a case of {entry}", subject=entry))
                    yield _inferred(program, module, cls)


def _import_all(path: Path) -> _Program:
    """Import the module, or all of a folder. Raises CaseError where none can be imported."""
    root, files = sources_of(path)
    space = Space(root, top_level_names(files), bare_packages(files))
    names = [default_module(path, root)] if path.is_file() else [module_name(file) for file in files]
    modules, broken = [], []
    for name in names:
        try:
            with without_traces(str(path)):
                modules.append(space.load(name))
        except FAILURES as error:
            broken.append(f"{name}: can't be imported: {one_line(error, space.root)}")
    if not modules:
        raise CaseError(broken[0] if broken else f"{path}: there is no Python file in it")
    return _Program(space, default_module(path, root), modules, broken)


def _declared(program: _Program) -> Case | None:
    """`Model(*get_init_inputs())` called with what looks like `get_inputs()`, if a file has these functions."""
    for module in program.modules:
        if callable(getattr(module, "get_inputs", None)):
            classes = outermost_classes([module])
            entry = "Model" if hasattr(module, "Model") else classes[-1].__name__ if classes else ""
            try:
                init = module.get_init_inputs() if callable(getattr(module, "get_init_inputs", None)) else []
                values = module.get_inputs()
                arguments = Writer(module, program.space.names).arguments(*_positional_and_named(init))
                inputs = inputs_like(*_positional_and_named(values))
            except InexpressibleError as error:
                raise CaseError(f"{module.__name__}: its get_inputs can't be used: {error} has no text") from None
            except FAILURES as error:
                reason = one_line(error, program.space.root)
                raise CaseError(f"{module.__name__}: its get_inputs can't be used: {reason}") from None
            return Case(program.entry(module, entry), arguments, format_inputs(inputs), origin="its get_inputs")
    return None


def _positional_and_named(values: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a function of KernelBench's kind returns: a list, a dict of keywords, a pair of both, or one tensor."""
    if isinstance(values, dict):
        return (), values
    if isinstance(values, list | tuple):
        if len(values) == 2 and isinstance(values[0], list | tuple) and isinstance(values[1], dict):
            return tuple(values[0]), values[1]
        return tuple(values), {}
    return (values,), {}


def _recorded(program: _Program, module: ModuleType, recorder: Recorder) -> Iterator[Case]:
    """The calls that the module's own examples made of its classes, as far as they can be repeated."""
    writer = Writer(module, program.space.names, recorder.construction)
    seen: dict[tuple[str, str], bool] = {}
    for call in recorder.calls:
        cls = type(call.model)
        if call.construction is None or vars(module).get(cls.__name__) is not cls or cls.__module__ != module.__name__:
            continue
        try:
            arguments = writer.arguments(*call.construction)
        except InexpressibleError:
            continue
        key = (cls.__name__, arguments)
        if key in seen or sum(name == cls.__name__ for name, _ in seen) >= _CALLS_PER_CLASS:
            continue
        seen[key] = True
        case = Case(program.entry(module, cls.__name__), arguments, origin="what its own example runs")
        inputs = _repeated(program, module, case, call)
        if inputs is not None:
            yield replace(case, inputs=format_inputs(inputs))


def _repeated(program: _Program, module: ModuleType, case: Case, call: Call) -> Inputs | None:
    """Inputs like those of a recorded call that go through a model built anew, None where there are none."""
    model = _build(program, module, type(call.model).__name__, case.args)
    if isinstance(model, str):
        return None
    for exact in (False, True):
        try:
            inputs = inputs_like(call.args, call.kwargs, exact=exact)
        except InexpressibleError:
            break
        trial = try_call(model, inputs)
        if trial.ok and trial.finite:
            return varied_inputs(model, trial, "forward", _CLASS_SECONDS)
    return find_inputs(model, "forward", _sizes(type(model), case.args), _CLASS_SECONDS)[0]


def _inferred(program: _Program, module: ModuleType, cls: type[nn.Module]) -> Case | str:
    """A case for a class by trying, or the sentence that says why there is none."""
    end, farthest = time.monotonic() + 2 * _CLASS_SECONDS, Trial(Inputs(), -1)
    reason = ""
    candidates = [(cls.__name__, text) for text in arguments_for(cls, module)]
    candidates += [(name, "") for name in factories(cls, module)]
    while candidates:
        name, arguments = candidates.pop(0)
        if time.monotonic() > end:
            break
        model = _build(program, module, name, arguments)
        if isinstance(model, str):
            reason = reason or model
            more = with_mentioned(cls, arguments, model.partition(" raised ")[2]) if name == cls.__name__ else ""
            candidates = [(name, more), *candidates] if more else candidates
            continue
        seconds = min(_CLASS_SECONDS if not candidates else _CANDIDATE_SECONDS, max(end - time.monotonic(), 1.0))
        inputs, best = find_inputs(model, "forward", _sizes(cls, arguments), seconds)
        if inputs is not None:
            origin = "its constructor and first layers"
            return Case(program.entry(module, name), arguments, format_inputs(inputs), origin=origin)
        if best.progress > farthest.progress:
            farthest = best
            reason = f"{name}({arguments}) raised {best.error}"
    entry = program.entry(module, cls.__name__)
    reason = reason or "the arguments of its constructor can't be guessed"
    return f"no case was found for {entry} ({reason}): say --entry {entry} --args ... --input ..."


def _build(program: _Program, module: ModuleType, name: str, arguments: str) -> nn.Module | str:
    """The model of a case in eval mode, or why it can't be built."""
    text = f"{name}({arguments})"
    try:
        namespace = program.space.namespace(module.__name__, arguments)
        with without_traces(""), deadline(_BUILD_SECONDS):
            torch.manual_seed(0)
            model = eval(text, namespace)  # noqa: S307 - the user's own classes
    except FAILURES as error:
        return f"{text} raised {one_line(error)}"
    except TooLongError:
        return f"{text} took too long"
    return model.eval() if isinstance(model, nn.Module) else f"{text} is no module"


def _sizes(cls: type, arguments: str) -> Sizes:
    """The sizes of images and videos that constructor arguments, or their defaults, speak of."""
    parameters = inspect.signature(cls).parameters
    call = ast.parse(f"_({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    positional = zip(parameters, call.args, strict=False)
    named = ((word.arg, word.value) for word in ast.walk(call) if isinstance(word, ast.keyword) and word.arg)
    values = {name: _literal(node) for name, node in [*positional, *named]}
    values = {**{name: p.default for name, p in parameters.items()}, **values}
    found = [value for name, value in values.items() if _IMAGE_SIZES.fullmatch(name)]
    sides = [size for value in found for size in (value if isinstance(value, list | tuple) else [value])]
    frames = [value for name, value in values.items() if _FRAMES.fullmatch(name) and type(value) is int]
    return Sizes(
        tuple(size for size in dict.fromkeys(sides) if type(size) is int and 4 <= size <= 1024),
        frames[0] if frames else 0,
    )


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
