"""Which statement of a translation belongs to which of the original, as both were executed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from torch2jax.verify.alike import kept
from torch2jax.verify.found import Found
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.statements import Statement
from torch2jax.verify.tracing import At, LayerCall, Moment

Event = Moment | LayerCall


@dataclass(frozen=True, slots=True)
class Sources:
    """Both programs as texts. torch, jax: the statements of a file, by line. lines: from one to the other."""

    lines: LineMap
    torch: Callable[[str], Mapping[int, Statement]]
    jax: Callable[[str], Mapping[int, Statement]]


@dataclass(slots=True)
class Execution:
    """One call of a function: its beginning, and the statements that ended in it, in order.

    sources: the original's line of each statement. times: how often each of these lines is there.
    """

    entry: Moment | None = None
    statements: list[Moment] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    times: Counter[int] = field(default_factory=Counter)
    _places: dict[int, int] = field(default_factory=dict)

    def add(self, moment: Moment, source: int) -> None:
        """Put a statement at the end."""
        self.statements.append(moment)
        self.sources.append(source)
        self.times[source] += 1

    def next(self, source: int) -> Moment | None:
        """The next statement that comes from a line of the original; each is given once."""
        for index in range(self._places.get(source, 0), len(self.sources)):
            if self.sources[index] == source:
                self._places[source] = index + 1
                return self.statements[index]
        return None


class Pairing:
    """The calls of both programs, each of the original's with the one of the translation that takes its place."""

    def __init__(
        self, torch: Iterable[Event], jax: Iterable[Event], source: Sources, failing: Iterable[At] = ()
    ) -> None:
        """``failing``: the statements of the translation that an error ended."""
        self.source = source
        line_of = source.lines.source_line
        self.torch_calls = _executions(torch, lambda moment: moment.line)
        self.jax_calls = _executions(jax, lambda moment: line_of(moment.file, moment.line))
        for at in failing:
            line = line_of(at.file, at.line)
            if line is not None and at.call in self.jax_calls:
                self.jax_calls[at.call].times[line] += 1
        self.partner: dict[int, int] = {}
        """The number of the translation's call by that of the original's."""
        entries = {number: call.entry for number, call in self.jax_calls.items() if call.entry is not None}
        self._known = {number for number, at in entries.items() if self._source_of(at) is not None}
        self._pair()

    def _pair(self) -> None:
        """Each call goes with that of the same function from the same statement of a call that is paired already.

        Where no statement is known that it comes from, the order counts.
        """
        begun: dict[tuple[str, int, Any], list[int]] = defaultdict(list)
        for number, call in self.jax_calls.items():
            line = self._source_of(call.entry) if call.entry is not None else None
            if line is not None and call.entry is not None:
                begun[call.entry.file, line, self._jax_caller(call.entry)].append(number)
        for number, call in self.torch_calls.items():
            if call.entry is None:
                continue
            caller = self._torch_caller(call.entry)
            others = begun.get((call.entry.file, call.entry.line, caller))
            if not others and caller is None:
                others = next((held for key, held in begun.items() if self._is_free(call.entry, key, held)), None)
            if others:
                self.partner[number] = others.pop(0)

    def _is_free(self, entry: Moment, key: tuple[str, int, Any], held: list[int]) -> bool:
        """Whether calls are of the function that an entry is of, and come from a call that has no partner."""
        file, line, caller = key
        taken = caller is not None and caller[0] in self.partner.values()
        return bool(held) and (file, line) == (entry.file, entry.line) and not taken

    def _source_of(self, entry: Moment) -> int | None:
        """The original's line for the head of a function of the translation."""
        line = self.source.lines.source_line(entry.file, entry.line)
        return line if line is not None else self.source.lines.source_line(entry.file, entry.first)

    def _torch_caller(self, entry: Moment) -> tuple[int, int] | None:
        at = entry.caller
        if at is None or at.call not in self.partner:
            return None
        statement = self.source.torch(at.file).get(at.line)
        return self.partner[at.call], statement.line if statement is not None else at.line

    def jax_caller(self, entry: Moment) -> At | None:
        """The statement of the translation that comes from the original and made a call."""
        for at in entry.callers:
            statement = self.source.jax(at.file).get(at.line)
            lines = (at.line,) if statement is None else (statement.line, statement.first)
            for line in chain(lines, self._headers(at)):
                if self.source.lines.source_line(at.file, line) is not None:
                    return At(at.file, line, at.call)
        return None

    def _headers(self, at: At) -> Iterator[int]:
        """The lines of the loops and branches around a statement, innermost first: all may come from one statement."""
        statements = self.source.jax(at.file).values()
        yield from sorted({s.line for s in statements if any(at.line in part for part in s.parts)}, reverse=True)

    def _jax_caller(self, entry: Moment) -> tuple[int, int] | None:
        at = self.jax_caller(entry)
        line = self.source.lines.source_line(at.file, at.line) if at is not None else None
        return (at.call, line) if at is not None and line is not None and at.call in self._known else None

    def of(self, call: int) -> Execution | None:
        """The translation's call for one of the original's."""
        partner = self.partner.get(call)
        return self.jax_calls[partner] if partner is not None else None

    def turns_elsewhere(self, moment: Moment, statement: Statement, *, complete: bool) -> bool:
        """Whether the translation goes another way behind an `if`, or round a loop another number of times.

        statement: that of the moment. complete: whether the translation's call came to its end.
        """
        mine, other = self.torch_calls[moment.call], self.of(moment.call)
        if other is None or moment.line not in other.times:
            return False
        for part in statement.parts:
            both = [line for line in part if self.source.lines.output_line(moment.file, line) is not None]
            here, there = ([line for line in both if line in call.times] for call in (mine, other))
            if (there and not here) or (here and not there and complete):
                return True
        first = next((line for part in statement.parts for line in part if line in mine.times), None)
        return complete and first is not None and first in other.times and mine.times[first] != other.times[first]

    def default(self, event: Moment) -> Found | None:
        """The head of a function that was called with the defaults of its parameters, and these differ."""
        other = self.of(event.call)
        if other is None or other.entry is None:
            return None
        here = self.source.torch(event.file).get(event.line, Statement(0, 0)).defaults
        there = self.source.jax(other.entry.file).get(other.entry.line, Statement(0, 0)).defaults
        for name in here.keys() & there.keys():
            given = event.values.get(name), other.entry.values.get(name)
            if here[name] != there[name] and given == (kept(here[name]), kept(there[name])):
                lines = self.source.lines
                at = lines.translation(other.entry.file, other.entry.line)
                return Found(f"the default of {name}", lines.original(event.file, event.line), at)
        return None


def _executions(events: Iterable[Event], source_of: Callable[[Moment], int | None]) -> dict[int, Execution]:
    """Calls by number. Neighbours that come from one line of the original are one statement."""
    found: dict[int, Execution] = defaultdict(Execution)
    for event in events:
        if isinstance(event, LayerCall):
            continue
        call = found[event.call]
        if event.entry:
            call.entry = event
            continue
        source = source_of(event)
        if source is None:
            continue
        last = call.statements[-1] if call.statements else None
        if last is not None and call.sources[-1] == source and event.line != last.line:
            merged = {**last.values, **event.values}
            places = {place: last.line_of(place) for place in last.values} | dict.fromkeys(event.values, event.line)
            reads = {**last.reads, **event.reads}
            call.statements[-1] = replace(last, line=event.line, values=merged, reads=reads, lines=places)
        else:
            call.add(event, source)
    return dict(found)
