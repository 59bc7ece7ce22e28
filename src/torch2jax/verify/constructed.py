"""Where the layers and attributes of both programs come from, as their constructors ran."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from torch2jax.verify.alike import departure
from torch2jax.verify.departures import Departures
from torch2jax.verify.found import Departure, Found
from torch2jax.verify.pairing import Event, Pairing, Sources
from torch2jax.verify.tracing import At, LayerCall, Moment


@dataclass(slots=True)
class Constructed:
    """What happened while both objects were built.

    torch, jax: where each layer was asked for, by torch's name, innermost line first. torch_events, jax_events: what
    the constructors did, without what the original drew at random. failing: the statements of the translation that an
    error ended; None where it came to its end. names: those of all layers on each side. made: the original's statements
    from which the translation made layers. when: the number of the event at which they depart.
    """

    source: Sources
    torch: dict[str, tuple[At, ...]] = field(default_factory=dict)
    jax: dict[str, tuple[At, ...]] = field(default_factory=dict)
    torch_events: list[Event] = field(default_factory=list)
    jax_events: list[Event] = field(default_factory=list)
    failing: Sequence[At] | None = None
    when: int = -1
    names: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    made: set[tuple[str, int | None]] = field(default_factory=set)

    def layer(self, what: str, path: str, how: Departure | None = None) -> Found | None:
        """Where a layer is built, or where the numbers go wrong that it is built with."""
        here, there = self.torch.get(path, ()), self.jax.get(path, ())
        wrong = self.first_departure({at.call for at in there}) if there else None
        built = self.when_built(path)
        if wrong is not None and (built is None or self.when <= built):
            return wrong
        if not here and not there:
            return None
        lines = self.source.lines
        original = lines.original(here[0].file, here[0].line) if here else None
        translation = lines.translation(there[0].file, there[0].line) if there else None
        if here and not there:  # it is not there; this line should make it, or that should put it in its place
            at = self._puts_in(path) or here[0]
            line = lines.output_line(at.file, at.line)
            original = lines.original(at.file, at.line)
            translation = lines.translation(at.file, line) if line is not None else None
        return Found(what, original, translation, how)

    def _puts_in(self, path: str) -> At | None:
        """The original's statement that hands a layer to a list of `self`, if the translation has made the layer."""
        at, built = self.torch[path][0], self.when_built(path)
        statement = self.source.torch(at.file).get(at.line)
        if statement is None or built is None or (at.file, statement.line) not in self.made:
            return None
        holder = f"self.{path.rpartition('.')[0].rpartition('.')[2]}"
        for event in self.torch_events[built + 1 :]:
            if isinstance(event, LayerCall) or event.entry or any(event.values.values()):
                continue
            if event.call == at.call:
                used = self.source.torch(event.file).get(event.line)
                if used is not None and any(name.startswith(f"{holder}.") for name in used.names):
                    return At(event.file, event.line, event.call)
        return None

    def outermost(self, path: str) -> str:
        """A layer, or the outermost layer around it that one side lacks."""
        parts = path.split(".")
        outer = [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return next((name for name in outer if (name in self.names[0]) != (name in self.names[1])), path)

    def first_departure(self, within: Collection[int] | None = None, *, arrays: bool = False) -> Found | None:
        """The first value that a constructor computes, or gives to another one, and that is another in torch.

        within: the calls of the translation that count; by default, all. arrays: whether arrays count, and not only
        numbers; those that are drawn at random never do.
        """
        events = self.torch_events if arrays else [_certain(event, None) for event in self.torch_events]
        pairing = Pairing(events, self.jax_events, self.source, self.failing or ())
        departures = Departures(self.source, pairing, complete=self.failing is None, within=within, constructing=True)
        found = departures.first(events)
        self.when = departures.when
        return found

    def when_built(self, path: str) -> int | None:
        """The number of the event at which the original's statement that builds a layer ends."""
        for at in self.torch.get(path, ())[:1]:
            statement = self.source.torch(at.file).get(at.line)
            for number, event in enumerate(self.torch_events):
                if isinstance(event, LayerCall) or event.entry or statement is None:
                    continue
                if (event.call, event.line) == (at.call, statement.line):
                    return number
        return None

    def attribute(self, name: str, how: Departure) -> Found | None:
        """The statement of a constructor that gave an attribute of `self` another value, or gave it what is wrong."""
        pairing = Pairing(self.torch_events, self.jax_events, self.source)
        wrong = self.first_departure(arrays=True)
        for number, event in enumerate(self.torch_events):
            other = None if isinstance(event, LayerCall) or event.entry else pairing.of(event.call)
            if other is None or isinstance(event, LayerCall):
                continue
            moment = other.next(event.line)
            if name in event.values and wrong is not None and self.when <= number:
                return wrong
            if moment is None or name not in event.values or name not in moment.values:
                continue
            if departure(event.values[name], moment.values[name]) is not None:
                lines = self.source.lines
                at = lines.translation(moment.file, moment.line)
                return Found(name, lines.original(event.file, event.line), at, how)
        return None


def certain(events: Sequence[Event], again: Sequence[Event]) -> list[Event]:
    """Events without the values that are others when they happen again, with another seed."""
    alike = [_key(event) for event in events] == [_key(event) for event in again]
    others = again if alike else [None] * len(events)
    return [_certain(event, other) for event, other in zip(events, others, strict=True)]


def _key(event: Event) -> tuple[str, int] | None:
    return (event.file, event.line) if isinstance(event, Moment) else None


def _certain(event: Event, other: Event | None) -> Event:
    if isinstance(event, LayerCall):
        return event
    values = {}
    for place, value in event.values.items():
        twin = other.values.get(place, {}) if isinstance(other, Moment) else {}
        kept = {path: leaf for path, leaf in value.items() if _is_number(leaf) or _same(leaf, twin.get(path))}
        values[place] = kept
    return replace(event, values=values)


def _is_number(leaf: Any) -> bool:
    return isinstance(leaf, bool | int | float)


def _same(leaf: Any, twin: Any) -> bool:
    return twin is not None and bool(np.array_equal(np.asarray(leaf), np.asarray(twin)))
