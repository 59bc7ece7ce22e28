"""What a file's own `if __name__ == "__main__"` block, or its test functions, build and call."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from torch2jax.verify.discovery.expressions import Construction
from torch2jax.verify.discovery.limits import TooLongError, deadline, without_traces
from torch2jax.verify.failures import FAILURES

_CALLS = 3
"""A model that was called so often is being trained or tested: its first call has told all."""
_LITERALS = (bool, int, float, str, tuple, list)
_EXAMPLES = ("main", "test", "demo", "example", "run", "_test", "smoke_test", "sanity_check")


class _OnCpu(TorchFunctionMode):
    """Whatever device a program asks for, it gets the CPU."""

    def __torch_function__(self, func: Any, _: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name == "cuda":
            return args[0]
        if name == "to":
            args = [torch.device("cpu") if _is_device(value) else value for value in args]
        kwargs = {
            key: "cpu" if key == "device" and value is not None else value for key, value in (kwargs or {}).items()
        }
        return func(*args, **kwargs)


def _is_device(value: Any) -> bool:
    return isinstance(value, torch.device) or (isinstance(value, str) and value.startswith(("cuda", "mps", "xpu")))


class _Enough(BaseException):
    """The program has shown what it does. No Exception: programs catch those."""


@dataclass
class Call:
    """A call of a module that came from outside of any other module of the program."""

    model: nn.Module
    construction: Construction | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    ended: bool = False


@dataclass
class Recorder:
    """Watches the modules of a program that are made and called while `watching`.

    names: the top-level names of the program's modules.
    """

    names: frozenset[str]
    calls: list[Call] = field(default_factory=list)
    stops: bool = False
    _constructions: WeakKeyDictionary[nn.Module, Construction] = field(default_factory=WeakKeyDictionary)
    _counts: dict[int, int] = field(default_factory=dict)
    _backwards: int = 0
    _inside: int = 0

    def construction(self, model: nn.Module) -> Construction | None:
        """The arguments a module was made with, None for one that nobody saw."""
        return self._constructions.get(model)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record what happens inside."""
        with ExitStack() as stack:
            for owner, name, value in (
                (nn.Module, "__init__", self._watched_init(nn.Module.__init__)),
                (nn.Module, "__call__", self._watched_call(nn.Module.__call__)),
                (torch.Tensor, "backward", self._watched_backward(torch.Tensor.backward)),
            ):
                stack.enter_context(patch.object(owner, name, value))
            yield

    def _watched_init(self, original: Callable[..., None]) -> Callable[..., None]:
        def initialise(model: nn.Module, *args: Any, **kwargs: Any) -> None:
            original(model, *args, **kwargs)
            made = _given_arguments(model)
            if made is not None:
                self._constructions[model] = made

        return initialise

    def _watched_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def called(model: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._inside or type(model).__module__.partition(".")[0] not in self.names:
                return original(model, *args, **kwargs)
            self._counts[id(model)] = self._counts.get(id(model), 0) + 1
            if self.stops and self._counts[id(model)] > _CALLS:
                raise _Enough
            call = Call(model, self.construction(model), _detached(args), _detached(kwargs))
            self.calls.append(call)
            self._inside += 1
            try:
                result = original(model, *args, **kwargs)
                call.ended = True
            finally:
                self._inside -= 1
            return result

        return called

    def _watched_backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def backward(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            self._backwards += 1
            if self.stops and self._backwards > 1:
                raise _Enough
            return original(tensor, *args, **kwargs)

        return backward


def _given_arguments(model: nn.Module) -> Construction | None:
    """What the constructor that is running was called with, beyond its defaults: the outermost frame knows."""
    frame, outermost = inspect.currentframe(), None
    while frame is not None:
        names = frame.f_code.co_varnames
        if frame.f_code.co_name == "__init__" and names and frame.f_locals.get(names[0]) is model:
            outermost = frame
        frame = frame.f_back
    if outermost is None or outermost.f_code.co_filename == __file__:
        return None
    values = inspect.getargvalues(outermost)
    defaults = {name: p.default for name, p in inspect.signature(type(model).__init__).parameters.items()}
    given = {name: values.locals[name] for name in values.args[1:]}
    extra = tuple(values.locals[values.varargs]) if values.varargs else ()
    args = (*given.values(), *extra) if extra else ()
    kwargs = {} if extra else {name: value for name, value in given.items() if not _same(value, defaults.get(name))}
    return args, {**kwargs, **(values.locals[values.keywords] if values.keywords else {})}


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and isinstance(value, _LITERALS) and value == default)


def _detached(value: Any) -> Any:
    """Copies of the tensors in the arguments of a call: programs write to their inputs."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, list | tuple):
        return type(value)(_detached(item) for item in value)
    if isinstance(value, dict):
        return {key: _detached(item) for key, item in value.items()}
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def run_examples(module: ModuleType, recorder: Recorder, seconds: float) -> None:
    """Run the main block of a module, or else the functions that look like its tests, until they have shown enough."""
    path = Path(inspect.getsourcefile(module) or "")
    recorder.stops = True
    names = dict(vars(module))
    for example in _examples(module, path):
        with recorder.watching(), without_traces(str(path)):
            try:
                with deadline(seconds), torch.enable_grad(), _OnCpu():
                    example()
            except (*FAILURES, _Enough, TooLongError, torch.OutOfMemoryError):
                pass  # what was seen until then counts
        vars(module).clear()  # what a main block names is nothing that the module has when it is imported
        vars(module).update(names)
        if recorder.calls:
            return


def _examples(module: ModuleType, path: Path) -> Iterator[Callable[[], Any]]:
    block = _main_block(path)
    if block is not None:
        yield lambda: exec(block, vars(module))  # noqa: S102 - the user's own
    for name, value in list(vars(module).items()):
        own = inspect.isfunction(value) and value.__module__ == module.__name__
        if own and (name in _EXAMPLES or name.startswith("test_")) and _takes_nothing(value):
            yield value


def _takes_nothing(function: Callable[..., Any]) -> bool:
    return all(p.default is not p.empty for p in inspect.signature(function).parameters.values())


def _main_block(path: Path) -> CodeType | None:
    """The statements under `if __name__ == "__main__":`, None where there are none."""
    body = [statement for node in ast.parse(path.read_text(encoding="utf-8")).body for statement in _guarded(node)]
    return compile(ast.Module(body, []), str(path), "exec") if body else None


def _guarded(node: ast.stmt) -> list[ast.stmt]:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return []
    words = {ast.unparse(side) for side in (node.test.left, *node.test.comparators)}
    return node.body if words == {"__name__", "'__main__'"} else []
