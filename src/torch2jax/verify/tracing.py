"""What a program computes, statement by statement and layer by layer, and where it builds its layers.

Python reports each line of the program's own files as it is reached (`sys.settrace`), so that neither source has to be
changed: when the next line begins, the statement before it is done and what it assigned can be read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from torch2jax.verify.statements import Statement, statements_of

RESULT = "the result"
"""The place of what a function returns."""
_CALLS = ("forward", "__call__")
_COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>", "<lambda>")


@dataclass(frozen=True, slots=True)
class Moment:
    """A statement that has ended: its file, relative to the program's root, its first line, and what it left where.

    call: which call of a function it belongs to. entry: the beginning of that call, whose values are the arguments.
    """

    file: str
    line: int
    values: Mapping[str, Any]
    call: int = 0
    entry: bool = False


@dataclass(frozen=True, slots=True)
class LayerCall:
    """A call of a module that has ended: what it was given, by position, and what it gave."""

    owner: Any
    given: tuple[Any, ...]
    result: Any


@dataclass(slots=True)
class Trace:
    """The files of one program, and what becomes of them.

    root: its folder. is_layer: whether an object's calls are to be noted. keep: makes a value last, such as a tensor
    that may change in place. events: the statements and calls in the order in which they ended. built: by the identity
    of an object, the file and line where the program called for it.
    """

    root: Path
    is_layer: Callable[[Any], bool]
    keep: Callable[[Any], Any]
    events: list[Moment | LayerCall] = field(default_factory=list)
    built: dict[int, tuple[str, int]] = field(default_factory=dict)
    _held: list[Any] = field(default_factory=list)
    _raising: set[int] = field(default_factory=set)
    _statements: dict[str, dict[int, Statement]] = field(default_factory=dict)
    _current: dict[int, Statement] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)
    _calls: dict[int, tuple[Any, tuple[Any, ...]]] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[Trace]:
        """Follow what runs inside."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield self
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code.co_name == "__init__":
            self._note_built(frame)
        called = code.co_name in _CALLS and self._note_call(frame)
        if code.co_name not in _COMPREHENSIONS and self.statements(code.co_filename) is not None:
            self._begin(frame)
            return self._follow
        if not called:
            return None
        frame.f_trace_lines = False
        return self._await_return

    def _begin(self, frame: FrameType) -> None:
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        given = {name: self.keep(frame.f_locals[name]) for name in names if name in frame.f_locals}
        self._numbers[id(frame)] = len(self.events)
        file = self._relative(code.co_filename)
        self.events.append(Moment(file, code.co_firstlineno, given, len(self.events), entry=True))

    def _note_call(self, frame: FrameType) -> bool:
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        owner = frame.f_locals.get(names[0]) if names else None
        if owner is None or not self.is_layer(owner):
            return False
        self._calls[id(frame)] = owner, tuple(self.keep(frame.f_locals[name]) for name in names[1:])
        return True

    def _await_return(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "return":
            owner, given = self._calls.pop(id(frame))
            self.events.append(LayerCall(owner, given, self.keep(argument)))
        return self._await_return

    def statements(self, filename: str) -> dict[int, Statement] | None:
        """The statements of one of the program's own files; None for any other file."""
        known = self._statements.get(filename)
        if known is not None:
            return known or None
        found: dict[int, Statement] = {}
        path = Path(filename)
        if path.suffix == ".py" and path.is_relative_to(self.root):
            try:
                found = statements_of(path.read_text(encoding="utf-8"))
            except (OSError, SyntaxError, UnicodeDecodeError):
                found = {}
        self._statements[filename] = found
        return found or None

    def _note_built(self, frame: FrameType) -> None:
        """An object is made: the nearest line of the program is what asked for it."""
        owner = frame.f_locals.get(next(iter(frame.f_code.co_varnames), ""))
        if owner is None or id(owner) in self.built:
            return
        caller = frame.f_back
        while caller is not None and self.statements(caller.f_code.co_filename) is None:
            caller = caller.f_back
        if caller is not None:
            self._held.append(owner)  # an identity is given again once its object is gone
            self.built[id(owner)] = (self._relative(caller.f_code.co_filename), caller.f_lineno)

    def _relative(self, filename: str) -> str:
        return Path(filename).relative_to(self.root).as_posix()

    def _follow(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception":
            self._raising.add(id(frame))
        elif event == "line":
            statement = self._statements[frame.f_code.co_filename].get(frame.f_lineno)
            current = self._current.get(id(frame))
            again = statement is not None and statement.line == statement.end == frame.f_lineno
            if id(frame) in self._raising:  # the statement before has not ended, it was left
                self._raising.discard(id(frame))
            elif statement is not current or again:
                self._end(frame)
            if statement is not None:
                self._current[id(frame)] = statement
            elif statement is not current:
                self._current.pop(id(frame), None)
        elif event == "return":
            if id(frame) not in self._raising:
                self._end(frame, {RESULT: argument} if argument is not None else {})
            self._raising.discard(id(frame))
            self._current.pop(id(frame), None)
            if id(frame) in self._calls:
                self._await_return(frame, event, argument)
        return self._follow

    def _end(self, frame: FrameType, values: Mapping[str, Any] | None = None) -> None:
        statement = self._current.get(id(frame))
        if statement is None:
            return
        found = {place: value for place in statement.places if (value := _value(frame, place)) is not None}
        found |= values or {}
        kept = {place: self.keep(value) for place, value in found.items()}
        file = self._relative(frame.f_code.co_filename)
        self.events.append(Moment(file, statement.line, kept, self._numbers.get(id(frame), 0)))


def _value(frame: FrameType, place: str) -> Any:
    """What a dotted name holds now; None where it holds nothing."""
    head, *rest = place.split(".")
    value = frame.f_locals.get(head, frame.f_globals.get(head))
    for name in rest:
        try:
            value = getattr(value, name, None)
        except Exception:
            return None  # a property of the program that raises
    return value
