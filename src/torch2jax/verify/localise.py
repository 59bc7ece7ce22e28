"""Where a translation departs from its original: the first statement, or the layer, whose value is another.

Both programs run once more under a trace. What they computed is gone through in the order in which the original's
statements ended, so that what is found is the innermost and first place: everything before it agrees.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from flax import nnx
from torch import nn

from torch2jax.verify.alike import departure, kept
from torch2jax.verify.callables import Followed, follow, line_of_attribute, line_of_element, named_modules
from torch2jax.verify.calls import CallArrays
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.found import Departure, Found, LayerError, Place
from torch2jax.verify.layers import layer_errors
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.sides import Original, Translation
from torch2jax.verify.tracing import LayerCall, Moment, Trace
from torch2jax.weights.walk import slots

K = TypeVar("K")


class Localiser:
    """Both programs of a case, each with its trace."""

    def __init__(self, original: Original, translation: Translation, lines: LineMap) -> None:
        self.original, self.translation, self.lines = original, translation, lines
        self.torch_trace = Trace(original.space.root, lambda owner: isinstance(owner, nn.Module), kept)
        self.jax_trace = Trace(translation.space.root, lambda owner: isinstance(owner, nnx.Module), kept)
        self.torch_built: dict[str, tuple[str, int]] = {}
        self.jax_built: dict[str, tuple[str, int]] = {}
        self.kinds: dict[str, str] = {}

    def run(self, inputs: CallArrays) -> Found | None:
        """Run both under a trace. Gives the place where the translation raises."""
        self._run_original(inputs)
        return self._run_translation(inputs)

    def first_departure(self, inputs: CallArrays) -> Found | None:
        """Run both, and compare what their statements left."""
        raised = self.run(inputs)
        found = self._first_difference()
        return found or raised

    def layers(self) -> tuple[LayerError, ...]:
        """How far each layer is from its counterpart, in the run that was traced."""
        named = (
            (self.torch_names.get(id(event.owner)), event)
            for event in self.torch_trace.events
            if isinstance(event, LayerCall)
        )
        calls = [(name, event) for name, event in named if name is not None]
        built = {name: self.lines.original(*place) for name, place in self.torch_built.items()}
        return layer_errors(self.kinds, calls, self._calls_by_name(), built)

    def layer_of(self, name: str, inputs: CallArrays) -> Found | None:
        """Where the layer that holds a parameter or buffer is built."""
        self.run(inputs)
        path = name.rpartition(".")[0]
        return self._built(path, name)

    def _run_original(self, inputs: CallArrays) -> None:
        with self.torch_trace.running():
            model = self.original.fresh()
        names = {}
        if isinstance(model, nn.Module):
            names = {id(module): path for path, module in model.named_modules()}
            self.kinds = {path: type(module).__name__ for path, module in model.named_modules()}
            built = self.torch_trace.built
            self.torch_built = {path: built[key] for key, path in names.items() if key in built}
        self.torch_trace.events.clear()
        self.torch_names: Mapping[int, str] = names
        with self.torch_trace.running():
            self.original.forward(inputs, model)

    def _run_translation(self, inputs: CallArrays) -> Found | None:
        with self.jax_trace.running():
            self.translation.build()
        self.translation.carry(self.original)
        twin = self.translation.model
        if isinstance(twin, nnx.Module):
            names = layer_names(twin, list(self.original.state))
            built = self.jax_trace.built
            self.jax_built = {path: built[key] for key, path in names.items() if key in built}
            self._follow_functions(twin, names)
        self.jax_trace.events.clear()
        try:
            with self.jax_trace.running():
                self.translation.forward(inputs)
        except FAILURES as error:
            return self.raised(error)
        return None

    def _follow_functions(self, twin: nnx.Module, names: Mapping[int, str]) -> None:
        def told(followed: Followed, given: tuple[Any, ...], result: Any) -> None:
            self.jax_trace.events.append(LayerCall(followed, tuple(map(kept, given)), kept(result)))

        holders = {name: node for _, node in nnx.iter_graph(twin) if (name := names.get(id(node))) is not None}
        for followed in follow(twin, told):
            holder, _, key = followed.name.rpartition(".")
            line = self._line_of_function(holders.get(holder), holder, key)
            if line is not None:
                self.jax_built[followed.name] = line

    def _line_of_function(self, holder: Any, name: str, key: str) -> tuple[str, int] | None:
        root = self.translation.space.root
        if isinstance(holder, nnx.Sequential):
            file, line = self.jax_built.get(name, ("", 0))
            return (file, line_of_element(_text(root / file), line, int(key))) if file else None
        file = f"{type(holder).__module__.replace('.', '/')}.py"
        if not (root / file).is_file():
            return None
        place = line_of_attribute(_text(root / file), type(holder).__name__, key)
        return (file, place) if place is not None else None

    def raised(self, error: BaseException) -> Found | None:
        """The last line of the translation on the way to the error that comes from the original."""
        root = self.translation.space.root
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if not frame.filename.startswith(f"{root}/") or frame.lineno is None:
                continue
            file = frame.filename.removeprefix(f"{root}/")
            line = self._start(file, frame.lineno)
            source = self.lines.source_line(file, line)
            if source is not None:
                return Found("", self.lines.original(file, source), self.lines.translation(file, line))
        return None

    def _start(self, file: str, line: int) -> int:
        """The first line of the statement that a line belongs to."""
        known = self.jax_trace.statements(str(self.translation.space.root / file)) or {}
        return known[line].line if line in known else line

    def _first_difference(self) -> Found | None:
        moments = _Queue(self._moments_by_source())
        calls = _Queue(self._calls_by_name())
        suspect: Found | None = None
        astray: set[int] = set()
        for event in self.torch_trace.events:
            if isinstance(event, LayerCall):
                suspect = suspect or self._of_layer(event, calls)
                continue
            other = moments.next((event.file, event.line, event.entry))
            if other is None or event.call in astray:
                continue
            apart = _apart(event.values, other.values)
            if apart is not None and event.entry:
                astray.add(event.call)  # its arguments are the fault of the statement that calls it
            elif apart is not None:
                place, how = apart
                original = self.lines.original(event.file, event.line)
                if suspect is not None:
                    return _with_call(suspect, original)
                return Found(place, original, self.lines.translation(other.file, other.line), how)
        return suspect

    def _of_layer(self, event: LayerCall, calls: _Queue[str]) -> Found | None:
        """A layer of a library that was given the same and gave something else."""
        name = self.torch_names.get(id(event.owner))
        other = calls.next(name) if name is not None else None
        if other is None or name is None or _is_of_program(event.owner, self.original):
            return None
        pairs = list(zip(event.given, other.given, strict=False))
        if any(departure(expected, actual) is not None for expected, actual in pairs):
            return None
        how = departure(event.result, other.result)
        return self._built(name, name, how) if how is not None else None

    def _built(self, path: str, what: str, how: Departure | None = None) -> Found | None:
        here, there = self.torch_built.get(path), self.jax_built.get(path)
        if here is None and there is None:
            return None
        original = self.lines.original(*here) if here is not None else None
        translation = self.lines.translation(*there) if there is not None else None
        return Found(what, original, translation, how)

    def _moments_by_source(self) -> Iterator[tuple[tuple[str, int, bool], Moment]]:
        """The translation's statements under the place in the original that they come from; neighbours are one."""
        held: Moment | None = None
        key: tuple[str, int, bool] | None = None
        for event in self.jax_trace.events:
            if isinstance(event, LayerCall):
                continue
            source = self.lines.source_line(event.file, event.line)
            if source is None:
                continue
            new = (event.file, source, event.entry)
            if held is not None and key == new and event.line != held.line and event.call == held.call:
                held = Moment(held.file, held.line, {**held.values, **event.values})
                continue
            if held is not None and key is not None:
                yield key, held
            held, key = event, new
        if held is not None and key is not None:
            yield key, held

    def _calls_by_name(self) -> Iterator[tuple[str, LayerCall]]:
        """The calls of layers by torch's name. The model that ran is a copy; the last call to end is of the whole."""
        calls = [event for event in self.jax_trace.events if isinstance(event, LayerCall)]
        modules = [event.owner for event in calls if isinstance(event.owner, nnx.Module)]
        names = layer_names(modules[-1], list(self.original.state)) if modules else {}
        for event in calls:
            name = event.owner.name if isinstance(event.owner, Followed) else names.get(id(event.owner))
            if name is not None:
                yield name, event


def layer_names(model: Any, state_names: Sequence[str]) -> dict[int, str]:
    """Torch's name of each module in a translation, by identity: that of its path, or that of the weights in it."""
    found = {id(node): name for name, node in named_modules(model).items()}
    nodes = {".".join(map(str, path)): node for path, node in nnx.iter_graph(model)}
    for slot in slots(model, state_names):
        holder = nodes.get(slot.path.rpartition(".")[0])
        if isinstance(holder, nnx.Module):
            found[id(holder)] = slot.name.rpartition(".")[0]
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _is_of_program(module: Any, original: Original) -> bool:
    """Whether the class of a module is one of the program, whose statements say more than its name."""
    return type(module).__module__.partition(".")[0] in original.space.names


def _with_call(found: Found, called: Place) -> Found:
    return replace(found, called=called)


def _apart(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> tuple[str, Departure] | None:
    """The first place with another value on the other side, by name; the result of a function has a name too."""
    for place, value in expected.items():
        other = actual.get(place)
        how = departure(value, other) if other is not None else None
        if how is not None:
            return f"{place}{how.path}", how
    return None


class _Queue(Generic[K]):
    """Events by key, each taken once, in order."""

    def __init__(self, events: Iterator[tuple[K, Any]]) -> None:
        self._events: dict[K, list[Any]] = defaultdict(list)
        self._taken: dict[K, int] = defaultdict(int)
        for key, event in events:
            self._events[key].append(event)

    def next(self, key: K) -> Any:
        """The next event of a key; None where there are no more."""
        index = self._taken[key]
        self._taken[key] += 1
        found = self._events.get(key, [])
        return found[index] if index < len(found) else None
