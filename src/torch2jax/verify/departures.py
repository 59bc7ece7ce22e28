"""The first place at which two runs depart, among statements that belong together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from torch2jax.verify.alike import apart, departure, is_turned, same_order
from torch2jax.verify.found import Departure, Found
from torch2jax.verify.pairing import Event, Pairing, Sources
from torch2jax.verify.statements import Statement
from torch2jax.verify.tracing import RESULT, At, LayerCall, Moment


def _no_suspect(event: LayerCall) -> Found | None:
    return None


def _any_layer(torch: Any, jax: Any) -> bool:
    return True


def _no_attribute(name: str, how: Departure) -> Found | None:
    return None


@dataclass(slots=True)
class Idle:
    """A departure in local names that may change nothing: what uses them may not depend on what departs.

    passed: whether a statement that uses them gave the same. ended: whether the names have got other values since.
    """

    found: Found
    call: int
    places: set[str]
    passed: bool = False
    ended: bool = False

    def is_used(self, call: int, statement: Statement | None) -> bool:
        """Whether a statement of a call of the original uses what departs."""
        names = statement.names if statement is not None and call == self.call and not self.ended else ()
        return any(part in self.places for name in names for part in _heads(name))


@dataclass(slots=True)
class Departures:
    """Two runs whose statements are paired.

    complete: whether the translation came to its end. within: the translation's calls that count; by default, all.
    constructing: the runs are those of constructors, which are wrong as soon as they are given other values. suspect:
    tells of a call of the original whether its layer, given the same, gives something else. attribute: the statement
    that gave an attribute of `self` another value. same_layer: whether two layers have the same name, as far as known.
    when: the number of the event at which they depart.
    """

    source: Sources
    pairing: Pairing
    complete: bool
    within: Collection[int] | None = None
    constructing: bool = False
    suspect: Callable[[LayerCall], Found | None] = _no_suspect
    attribute: Callable[[str, Departure], Found | None] = _no_attribute
    same_layer: Callable[[Any, Any], bool] = _any_layer
    when: int = -1
    _gone: list[Moment] = field(default_factory=list)
    _turned: list[tuple[Moment, Moment]] = field(default_factory=list)
    _idle: list[Idle] = field(default_factory=list)
    _held: dict[tuple[int, str], tuple[Moment, Moment]] = field(default_factory=dict)
    _given: dict[int, set[str]] = field(default_factory=dict)
    _astray: set[int] = field(default_factory=set)

    def first(self, events: Sequence[Event]) -> Found | None:
        """Go through what the original did, in order."""
        suspect: Found | None = None
        uncalled: Found | None = None
        for self.when, event in enumerate(events):
            if isinstance(event, LayerCall):
                suspect = suspect or self.suspect(event)
                continue
            if not self._counts(event):
                found = self._not_called(event)
                if found is not None and not self._is_called(event):
                    return found
                uncalled = uncalled or found
                continue
            found = self._beginning(event) if event.entry else self._statement(event, suspect)
            found = self._unless_idle(event, found, suspect) if found is not None else None
            if found is not None:
                return found
        idle = next((idle.found for idle in self._idle if not idle.passed), None)
        found = idle or suspect or self._nothing_but_gone() or self._turned_first() or self._end(events)
        return found or uncalled

    def _unless_idle(self, event: Moment, found: Found, suspect: Found | None) -> Found | None:
        """A departure, or the earlier one that it comes from; None as long as it may be of no consequence."""
        statement = self.source.torch(event.file).get(event.line) if not event.entry else None
        earlier = (idle for idle in self._idle if not idle.passed or idle.is_used(event.call, statement))
        cause = next(earlier, None)
        if cause is not None:
            return cause.found
        local = statement is not None and not statement.parts and all(name.isidentifier() for name in event.values)
        if self.constructing or suspect is not None or not event.values or not local:
            return found
        self._idle.append(Idle(found, event.call, set(event.values)))
        return None

    def _agrees(self, mine: Moment, other: Moment, statement: Statement | None) -> None:
        """Note what a statement left that gave the same."""
        compared = any(mine.values.values()) and any(other.values.values())
        for idle in self._idle:
            idle.passed |= compared and idle.is_used(mine.call, statement)
            idle.ended |= mine.call == idle.call and not idle.places.isdisjoint(mine.values)
        self._held.update({(mine.call, place): (mine, other) for place in mine.values})
        if any(is_turned(value, other.values.get(place, {})) for place, value in mine.values.items()):
            self._turned.append((mine, other))

    def _turned_first(self) -> Found | None:
        """Where no value departs, the first whose axes are in no usual order."""
        if not self._turned or self.constructing:
            return None
        mine, other = self._turned[0]
        return self._found(mine, other, f"the axes of {next(iter(mine.values))}", None)

    def _end(self, events: Sequence[Event]) -> Found | None:
        """The statement that returns the whole result, if its axes are not in torch's order."""
        for event in reversed(events) if not self.constructing else ():
            if isinstance(event, Moment) and not event.entry and RESULT in event.values:
                execution = self.pairing.of(event.call)
                other = execution.statements[-1] if execution is not None and execution.statements else None
                if other is None or same_order(event.values[RESULT], other.values.get(RESULT, {})):
                    return None
                at = At(other.file, other.line_of(RESULT), other.call)
                return self._found(event, at, f"the axes of {RESULT}", None)
        return None

    def is_astray(self, jax_call: int) -> bool:
        """Whether a call of the translation was given something else than the original's."""
        return jax_call in {self.pairing.partner[call] for call in self._astray}

    def _counts(self, event: Moment) -> bool:
        partner = self.pairing.partner.get(event.call)
        return partner is not None and (self.within is None or partner in self.within)

    def _not_called(self, event: Moment) -> Found | None:
        """A function that only the original's constructors call, although the translation has it."""
        caller, lines = event.caller, self.source.lines
        if not self.constructing or not self.complete or not event.entry or caller is None or self.within is not None:
            return None
        execution = self.pairing.of(caller.call) if caller.call not in self._astray else None
        there = lines.output_line(caller.file, caller.line)
        if execution is None or there is None or lines.output_line(event.file, event.line) is None:
            return None
        found = self._found(caller, At(caller.file, there, 0), "a call that is not made", None)
        return self._nothing_but_gone() or found

    def _is_called(self, entry: Moment) -> bool:
        """Whether the translation calls the function of an entry at all: for each module, say, but it has fewer."""
        called = (self.pairing.torch_calls[call].entry for call in self.pairing.partner)
        return any(other is not None and (other.file, other.line) == (entry.file, entry.line) for other in called)

    def _beginning(self, event: Moment) -> Found | None:
        """A call that is given something else: the fault of a default, or of the statement that calls it."""
        other = self.pairing.of(event.call)
        if other is None or other.entry is None:
            return None
        difference = apart(event.values, other.entry.values) or self._no_number(event.values, other.entry.values)
        if difference is None and not self.same_layer(event.owner, other.entry.owner):
            self._astray.add(event.call)
        if difference is None:
            turned = {
                name for name, value in event.values.items() if is_turned(value, other.entry.values.get(name, {}))
            }
            self._given.update({event.call: turned} if turned else {})
            return None
        self._astray.add(event.call)
        found = self.pairing.default(event)
        caller, there = event.caller, self.pairing.jax_caller(other.entry)
        if found is not None or not self.constructing or caller is None or there is None:
            return found  # the statement that calls ends later, and shows whether it matters
        if caller.call in self._astray:
            return None
        if self._gone:
            return self._nothing_but_gone()
        return self._found(caller, there, *difference)

    def _no_number(self, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> tuple[str, Departure] | None:
        """The parameter of a constructor that is a number in torch, and something else in the translation."""
        for place, value in expected.items() if self.constructing else ():
            if isinstance(value.get(""), bool | int | float) and actual.get(place) == {}:
                return place, Departure("", ((), ()), problem=f"{value['']} in torch, and no number in jax")
        return None

    def _statement(self, event: Moment, suspect: Found | None) -> Found | None:
        if event.call in self._astray:
            return None
        execution = self.pairing.of(event.call)
        other = execution.next(event.line) if execution is not None else None
        if other is None:
            if self.source.lines.is_gone(event.file, event.line):
                self._gone.append(event)
            return None
        if set(event.values) - {RESULT} and not other.values:
            self._gone.append(event)  # something else stands there now
        statement = self.source.torch(event.file).get(event.line)
        difference = apart(event.values, other.values)
        in_order = statement is not None and not self._is_order(statement, difference)
        if self.constructing and not in_order and not self._sets_otherwise(event, other):
            return None
        turns = difference is None and statement is not None and self._turns_elsewhere(event, statement)
        if difference is None and not turns:
            self._agrees(event, other, statement)
            return None
        what, how = difference or ("another way is taken from here", None)
        here = self._found(event, At(other.file, other.line_of(what.partition("[")[0]), other.call), what, how)
        if suspect is not None:
            return replace(suspect, called=here.original)
        missing = self._nothing_but_gone() if self.constructing else self._missing_for(statement)
        if missing is not None:
            return replace(here, what=missing.what, original=missing.original, departure=None)
        return self._attribute(event, other) or self._turned_before(statement, event.call) or here

    def _is_order(self, statement: Statement, difference: tuple[str, Departure] | None) -> bool:
        """Whether a difference in a constructor only says that each side goes through its parameters in its order."""
        if difference is None:
            return False
        return bool(statement.parts) or sorted(difference[1].shapes[0]) != sorted(difference[1].shapes[1])

    def _sets_otherwise(self, mine: Moment, other: Moment) -> bool:
        """Whether a statement sets every array to one number, and the translation's sets them to another one."""
        if mine.line not in self.source.torch(mine.file) or self.source.torch(mine.file)[mine.line].parts:
            return False
        runs = [run for run in self.pairing.torch_calls[mine.call].statements if run.line == mine.line]
        numbers = {number for run in runs for number in _constants(run)}
        others = set(_constants(other))
        return len(numbers) == len(others) == 1 and None not in numbers | others and numbers != others

    def _turns_elsewhere(self, event: Moment, statement: Statement) -> bool:
        execution = self.pairing.of(event.call)
        last = execution.statements[-1] if execution is not None and execution.statements else None
        complete = self.complete or (last is not None and RESULT in last.values)
        if self.constructing and statement.is_loop and not any(map(_has_number, event.values.values())):
            return False  # both sides need not have as many modules or parameters to go through
        return bool(statement.parts) and self.pairing.turns_elsewhere(event, statement, complete=complete)

    def _attribute(self, event: Moment, other: Moment) -> Found | None:
        """Where an attribute of `self` comes from that had another value already."""
        for name, value in event.reads.items():
            actual = other.reads.get(name)
            how = departure(value, actual) if actual is not None else None
            if how is not None:
                return self.attribute(name, how)
        return None

    def _missing_for(self, statement: Statement | None) -> Found | None:
        """A statement that is gone from the translation and sets something that another one uses."""
        used = {part for name in statement.names for part in _heads(name)} if statement is not None else set()
        for moment in reversed(self._gone):
            own = self.source.torch(moment.file).get(moment.line)
            if own is not None and used & {*own.places, *own.receivers}:
                return self._of_gone(moment)
        return None

    def _turned_before(self, statement: Statement | None, call: int) -> Found | None:
        """A value whose axes are in no usual order and on which a statement rests: the first of a chain of such."""
        place: tuple[Moment, Moment] | None = None
        given: Moment | None = None
        index = len(self._turned)
        while statement is not None:
            earlier = (k for k in reversed(range(index)) if self._rests_on(statement, call, self._turned[k][0]))
            found = next(earlier, None)
            if found is not None:
                index, place, given = found, self._turned[found], None
                statement, call = self.source.torch(place[0].file).get(place[0].line), place[0].call
                continue
            entry = self.pairing.torch_calls[call].entry  # what it was given may be turned already
            caller = entry.caller if entry is not None else None
            if caller is None or caller.call not in self.pairing.torch_calls:
                break
            if entry is not None and self._uses(statement, self._given.get(call, ())):
                given = entry
            statement, call = self.source.torch(caller.file).get(caller.line), caller.call
        if given is not None:
            return self._argument(given)
        if place is None:
            return None
        what = next(iter(place[0].values))
        at = At(place[1].file, place[1].line_of(what), place[1].call)
        return self._found(place[0], at, f"the axes of {what}", None)

    def _argument(self, entry: Moment) -> Found | None:
        """The statement that hands a function what is turned."""
        other = self.pairing.of(entry.call)
        there = self.pairing.jax_caller(other.entry) if other is not None and other.entry is not None else None
        if there is None or entry.caller is None:
            return None
        what = next(name for name in entry.values if name in self._given[entry.call])
        return self._found(entry.caller, there, f"the axes of {what}", None)

    @staticmethod
    def _uses(statement: Statement, places: Collection[str]) -> bool:
        return any(part in places for name in statement.names for part in _heads(name))

    def _rests_on(self, statement: Statement, call: int, moment: Moment) -> bool:
        """Whether a statement uses what another one left, or calls the function that returned it."""
        entry = self.pairing.torch_calls[moment.call].entry
        caller = entry.caller if entry is not None and RESULT in moment.values else None
        if caller is not None and caller.call == call and statement.line <= caller.line <= statement.end:
            return True
        return moment.call == call and self._uses(statement, moment.values)

    def _nothing_but_gone(self) -> Found | None:
        """Where no value departs, the first statement that the translation leaves out."""
        return self._of_gone(self._gone[0]) if self._gone else None

    def _of_gone(self, moment: Moment) -> Found:
        what = ", ".join(moment.values) or "the statement"
        return Found(f"{what}: gone from the translation", self.source.lines.original(moment.file, moment.line), None)

    def excused(self, raised: Found | None, used: Mapping[int, Mapping[str, Any]]) -> Found | None:
        """The place where the translation raises, or that of what is the reason: a missing statement, an attribute.

        used: the attributes that the statements used which raised, by the translation's call.
        """
        if raised is None or raised.original is None:
            return raised
        statement = self.source.torch(raised.original.file).get(raised.original.line)
        missing = self._missing_for(statement)
        if missing is not None:
            return replace(missing, translation=raised.translation)
        for call, partner in reversed(self.pairing.partner.items()):
            for moment in self.pairing.torch_calls[call].statements if partner in used else ():
                if moment.line == raised.original.line:
                    attribute = self._attribute(moment, replace(moment, reads=used[partner]))
                    if attribute is not None:
                        return attribute
        calls = [call for call in reversed(self.pairing.partner) if call not in self._astray]
        for call in calls if statement is not None else ():
            idle = next((idle.found for idle in self._idle if idle.is_used(call, statement)), None)
            odd = self._odd_one(statement, call) if self.pairing.partner[call] in used else None
            if idle is not None or odd is not None:
                return idle or odd
        turned = (self._turned_before(statement, call) for call in calls)
        return next((found for found in turned if found is not None), raised)

    def _odd_one(self, statement: Statement | None, call: int) -> Found | None:
        """Of the arrays that a statement can't bring together, the one whose axes are not in torch's order."""
        names = {part for name in statement.names for part in _heads(name)} if statement is not None else set()
        held = [(name, self._held[call, name]) for name in sorted(names) if (call, name) in self._held]
        arrays = [
            (name, pair) for name, pair in held if any(np.ndim(leaf) > 1 for leaf in pair[0].values[name].values())
        ]
        odd = [
            (name, pair)
            for name, (mine, other) in arrays
            if not same_order(mine.values[name], other.values.get(name, {}))
            for pair in [(mine, other)]
        ]
        if len(odd) != 1 or len(arrays) == 1:
            return None
        name, (mine, other) = odd[0]
        return self._found(mine, At(other.file, other.line_of(name), other.call), f"the axes of {name}", None)

    def _found(self, here: Moment | At, there: Moment | At, what: str, how: Departure | None) -> Found:
        lines = self.source.lines
        return Found(what, lines.original(here.file, here.line), lines.translation(there.file, there.line), how)


def _constants(moment: Moment) -> Iterator[float | None]:
    """For each array that a statement left, the number that is everywhere in it, or None."""
    for value in moment.values.values():
        for leaf in map(np.asarray, value.values()):
            yield (
                float(leaf.flat[0]) if leaf.size and leaf.dtype.kind in "fi" and (leaf == leaf.flat[0]).all() else None
            )


def _has_number(value: Mapping[str, Any]) -> bool:
    return any(isinstance(leaf, bool | int | float) for leaf in value.values())


def _heads(name: str) -> list[str]:
    """`a.b.c`, `a.b` and `a`."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
