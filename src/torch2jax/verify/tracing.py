"""What a program computes, statement by statement and layer by layer, and where it builds its layers.

Python reports each line of the program's own files as it is reached (`sys.settrace`), so that neither source has to be
changed: when the next line begins, the statement before it is done and what it assigned can be read.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from torch2jax.verify.statements import Statement, definitions_of, statements_of

RESULT = "the result"
"""The place of what a function returns."""
_CALLS = ("forward", "__call__")
_ABSENT = object()
"""In place of a value where there is none."""
_INSIDE = ("<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>")
_COMPREHENSIONS = (*_INSIDE, "<lambda>")


@dataclass(frozen=True, slots=True)
class At:
    """A line that is being executed: its file, relative to the program's root, and the call that it belongs to."""

    file: str
    line: int
    call: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A statement that has ended: its file, relative to the program's root, its first line, and what it left where.

    call: which call of a function it belongs to. entry: the beginning of that call, whose values are the arguments.
    reads: the values of the attributes of `self` that it used. callers: of an entry, the lines of the program that
    the call came from, innermost first. lines: of statements that are taken as one, where each place was left.
    owner: of an entry, the layer whose method it is. first: of an entry, the line of its first decorator.
    """

    file: str
    line: int
    values: Mapping[str, Any]
    call: int = 0
    entry: bool = False
    reads: Mapping[str, Any] = field(default_factory=dict)
    callers: tuple[At, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    owner: Any = None
    first: int = 0

    @property
    def caller(self) -> At | None:
        """The line of the program that the call came from."""
        return self.callers[0] if self.callers else None

    def line_of(self, place: str) -> int:
        """The line of the statement that left something at a place."""
        return self.lines.get(place, self.line)


@dataclass(frozen=True, slots=True)
class LayerCall:
    """A call of a module that has ended: what it was given, by position, and what it gave, unless it raised."""

    owner: Any
    given: tuple[Any, ...]
    result: Any
    raised: bool = False


@dataclass(slots=True)
class Trace:
    """The files of one program, and what becomes of them.

    root: its folder. is_layer: whether an object's calls are to be noted. keep: makes a value last, such as a tensor
    that may change in place. events: the statements and calls in the order in which they ended. built: by the identity
    of an object, where the program called for it, innermost first. bases: the same for the constructor of a library's
    layer that is called by that of a class which derives from it. failing: the same for an exception that nobody
    caught. used: what the attributes of `self` held in the statements that it ended, by call.
    """

    root: Path
    is_layer: Callable[[Any], bool]
    keep: Callable[[Any], Any]
    events: list[Moment | LayerCall] = field(default_factory=list)
    built: dict[int, tuple[At, ...]] = field(default_factory=dict)
    bases: dict[int, tuple[At, ...]] = field(default_factory=dict)
    failing: list[At] = field(default_factory=list)
    used: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _held: list[Any] = field(default_factory=list)
    _raising: set[int] = field(default_factory=set)
    _statements: dict[str, dict[int, Statement]] = field(default_factory=dict)
    _definitions: dict[str, dict[int, int]] = field(default_factory=dict)
    _current: dict[int, Statement] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)
    _calls: dict[int, tuple[Any, tuple[Any, ...]]] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[Trace]:
        """Follow what runs inside, from no events on."""
        self.events.clear()
        self.failing.clear()
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
        self._numbers.pop(id(frame), None)  # of a frame that is gone
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
        number, callers = len(self.events), tuple(self._program_frames(frame.f_back))
        owner = frame.f_locals.get(names[0]) if names else None
        owner = owner if owner is not None and self.is_layer(owner) else None
        line = (self._definitions.get(code.co_filename) or {}).get(code.co_firstlineno, code.co_firstlineno)
        self.events.append(
            Moment(file, line, given, number, entry=True, callers=callers, owner=owner, first=code.co_firstlineno)
        )

    def _note_call(self, frame: FrameType) -> bool:
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount]
        owner = frame.f_locals.get(names[0]) if names else None
        if owner is None or not self.is_layer(owner):
            return False
        given = [frame.f_locals[name] for name in names[1:]]
        if code.co_flags & inspect.CO_VARARGS:
            given += frame.f_locals[code.co_varnames[code.co_argcount + code.co_kwonlyargcount]]
        self._calls[id(frame)] = owner, tuple(map(self.keep, given))
        return True

    def _await_return(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception":
            self._raising.add(id(frame))
        elif event == "return":
            owner, given = self._calls.pop(id(frame))
            raised = argument is None and id(frame) in self._raising
            self.events.append(LayerCall(owner, given, self.keep(argument), raised))
            self._raising.discard(id(frame))
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
                text = path.read_text(encoding="utf-8")
                found = statements_of(text)
                self._definitions[filename] = definitions_of(text)
            except (OSError, SyntaxError, UnicodeDecodeError):
                found = {}
        self._statements[filename] = found
        return found or None

    def _note_built(self, frame: FrameType) -> None:
        """An object is made: the nearest line of the program is what asked for it. A base's constructor comes later."""
        owner = frame.f_locals.get(next(iter(frame.f_code.co_varnames), ""))
        if owner is None:
            return
        if id(owner) in self.built:
            self._note_base(frame, owner)
            return
        chain = tuple(self._program_frames(frame.f_back))
        if chain:
            self._held.append(owner)  # an identity is given again once its object is gone
            self.built[id(owner)] = chain

    def _note_base(self, frame: FrameType, owner: Any) -> None:
        """The constructor of a library's layer, called by that of a class of the program which derives from it."""
        caller = frame.f_back
        base = frame.f_code.co_qualname.rpartition(".")[0]
        if caller is None or base == "Module" or self.statements(frame.f_code.co_filename) is not None:
            return
        derived = caller.f_code.co_name == "__init__" and self.statements(caller.f_code.co_filename) is not None
        if derived and self.is_layer(owner):
            self.bases[id(owner)] = tuple(self._program_frames(caller))

    def _program_frames(self, frame: FrameType | None) -> Iterator[At]:
        """The lines of the program that are being executed, innermost first."""
        while frame is not None:
            name = frame.f_code.co_filename
            if frame.f_code.co_name not in _INSIDE and self.statements(name) is not None:
                yield At(self._relative(name), frame.f_lineno, self._numbers.get(id(frame), -1))
            frame = frame.f_back

    def _relative(self, filename: str) -> str:
        return Path(filename).relative_to(self.root).as_posix()

    def _follow(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception":
            self._raising.add(id(frame))
            here = At(self._relative(frame.f_code.co_filename), frame.f_lineno, self._numbers.get(id(frame), -1))
            if here.call not in {at.call for at in self.failing}:
                self.failing.append(here)
                self.used[here.call] = self._used(frame)
        elif event == "line":
            statement = self._statements[frame.f_code.co_filename].get(frame.f_lineno)
            current = self._current.get(id(frame))
            again = statement is not None and statement.line == statement.end == frame.f_lineno
            if id(frame) in self._raising:  # the statement before has not ended, it was left
                self._raising.discard(id(frame))
                self.failing.clear()
            elif statement is not current or again:
                self._end(frame)
            if statement is not None:
                self._current[id(frame)] = statement
            elif statement is not current:
                self._current.pop(id(frame), None)
        elif event == "return":
            if id(frame) not in self._raising:
                self._end(frame, {RESULT: argument} if argument is not None else {})
            self._current.pop(id(frame), None)
            if id(frame) in self._calls:
                self._await_return(frame, event, argument)
            self._raising.discard(id(frame))
        return self._follow

    def _used(self, frame: FrameType) -> dict[str, Any]:
        """What the attributes of `self` hold that the present statement of a frame uses."""
        statement = self._current.get(id(frame))
        names = statement.attributes if statement is not None else ()
        return {name: self.keep(value) for name in names if (value := _value(frame, name)) is not _ABSENT}

    def _end(self, frame: FrameType, values: Mapping[str, Any] | None = None) -> None:
        statement = self._current.get(id(frame))
        if statement is None:
            return
        found = {place: value for place in statement.places if (value := _value(frame, place)) is not _ABSENT}
        found |= values or {}
        kept = {place: self.keep(value) for place, value in found.items()}
        used = self._used(frame)
        file = self._relative(frame.f_code.co_filename)
        self.events.append(Moment(file, statement.line, kept, self._numbers.get(id(frame), 0), reads=used))


def _value(frame: FrameType, place: str) -> Any:
    """What a dotted name holds now."""
    head, *rest = place.split(".")
    value = frame.f_locals.get(head, frame.f_globals.get(head, _ABSENT))
    for name in rest:
        try:
            value = getattr(value, name, _ABSENT)
        except Exception:
            return _ABSENT  # a property of the program that raises
    return value
