"""Where a translation departs from its original: the first statement, or the layer, whose value is another.

Both programs run once more under a trace. What they computed is gone through in the order in which the original's
statements ended, so that what is found is the innermost and first place: everything before it agrees.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx
from torch import nn

from torch2jax.verify.alike import departure, is_turned, kept
from torch2jax.verify.callables import Followed, follow, line_of_attribute, line_of_element, named_modules, numbered
from torch2jax.verify.calls import CallArrays
from torch2jax.verify.constructed import Constructed, certain
from torch2jax.verify.departures import Departures
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.found import Found, LayerError
from torch2jax.verify.layers import layer_errors
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.pairing import Pairing, Sources
from torch2jax.verify.sides import Original, Translation, marked_memory
from torch2jax.verify.tangents import tangents_of_original, tangents_of_translation
from torch2jax.verify.tracing import At, LayerCall, Moment, Trace
from torch2jax.verify.writers import writer
from torch2jax.weights.arrays import Array
from torch2jax.weights.walk import slots

Run = Callable[[], object]


class Localiser:
    """Both programs of a case, each with its trace."""

    def __init__(self, original: Original, translation: Translation, lines: LineMap) -> None:
        self.original, self.translation, self.lines = original, translation, lines
        self.torch_trace = Trace(original.space.root, lambda owner: isinstance(owner, nn.Module), kept)
        self.jax_trace = Trace(translation.space.root, lambda owner: isinstance(owner, nnx.Module), kept)
        self.source = Sources(
            lines,
            lambda file: self.torch_trace.statements(str(original.space.root / file)) or {},
            lambda file: self.jax_trace.statements(str(translation.space.root / file)) or {},
        )
        self.constructed = Constructed(self.source)
        self.torch_names: Mapping[int, str] = {}
        self.kinds: Mapping[str, str] = {}
        self.children: Mapping[str, Sequence[str]] = {}
        self.first_values: Mapping[str, Array] = {}
        """What the translation's arrays start with, by torch's names and in flax's axis order."""
        self.shifted: dict[str, list[str]] = {}
        """The Sequentials of whose layers it is not known which is which in the translation, with those it lacks."""

    def run(self, inputs: CallArrays) -> bool:
        """Run both under a trace. Gives whether the translation comes to its end."""
        model = self._build_original()
        with marked_memory(), self.torch_trace.running():
            self.original.forward(inputs, model)
        return self._run_translation(lambda: self.translation.forward(inputs))

    def first_departure(self, inputs: CallArrays) -> Found | None:
        """Run both, and compare what their statements left."""
        return self._compare(complete=self.run(inputs))

    def layers(self) -> tuple[LayerError, ...]:
        """How far each layer is from its counterpart, in the run that was traced."""
        named = (
            (self.torch_names.get(id(event.owner)), event)
            for event in self.torch_trace.events
            if isinstance(event, LayerCall)
        )
        calls = [(name, event) for name, event in named if name is not None]
        built = {name: self.lines.original(at[0].file, at[0].line) for name, at in self.constructed.torch.items()}
        return layer_errors(self.kinds, calls, self._calls_by_name(), built)

    def first_departure_of_tangents(self, inputs: CallArrays) -> Found | None:
        """The same with derivatives: where inputs and parameters move in a random direction, every value moves along.

        A value whose gradient is cut off, or wrong, departs although it is the same. None also where a program can't be
        differentiated in this way.
        """
        model = self._build_original()
        try:
            with marked_memory(), self.torch_trace.running():
                tangents_of_original(self.original, model, inputs)
        except FAILURES:
            return None
        moved = self._run_translation(lambda: tangents_of_translation(self.translation, self.original, inputs))
        return self._compare(complete=moved)

    def layer_of(self, names: Sequence[str]) -> Found | None:
        """Where the layer is built that holds the first of some parameters or buffers, or where it is made itself."""
        model = self._build_original()
        self._build_translation()
        for name in names:
            path, _, attribute = name.rpartition(".")
            if path not in self.kinds and path not in self.constructed.jax:
                continue
            found = self._made_by_program(model, path, attribute)
            outer = self.constructed.outermost(path)
            found = found or (self.constructed.layer(name if outer == path else outer, outer) if path else None)
            if found is not None:
                return found
        return None

    def written(self, names: Sequence[str]) -> Found | None:
        """The statements that gave the first of some arrays the values that they start with.

        A side on which no statement of the program did so shows the line that builds the layer.
        """
        self._build_original()
        torch_events = list(self.torch_trace.events)
        built = self.layer_of(names)
        for name in names:
            torch_value, jax_value = self.original.first.get(name), self.first_values.get(name)
            torch_at = writer(torch_events, torch_value) if torch_value is not None else None
            jax_at = writer(self.constructed.jax_events, jax_value) if jax_value is not None else None
            if torch_at is None and jax_at is None:
                continue
            source = self.lines.source_line(jax_at.file, jax_at.line) if jax_at is not None else None
            original = built.original if built is not None else None
            if torch_at is not None:
                original = self.lines.original(torch_at.file, torch_at.line)
            elif jax_at is not None and source is not None:
                original = self.lines.original(jax_at.file, source)
            translation = built.translation if built is not None else None
            if jax_at is not None and source is not None:
                translation = self.lines.translation(jax_at.file, jax_at.line)
            return Found(name, original, translation)
        return None

    def _made_by_program(self, model: nn.Module, path: str, attribute: str) -> Found | None:
        """The line of a class of the program that makes a parameter or buffer of its own."""
        holder = model.get_submodule(path) if path in self.kinds else model
        if not _is_of_program(holder, self.original):
            return None
        file = f"{type(holder).__module__.replace('.', '/')}.py"
        path_of = self.translation.space.root / file
        line = line_of_attribute(_text(path_of), type(holder).__name__, attribute) if path_of.is_file() else None
        source = self.lines.source_line(file, line) if line is not None else None
        if line is None or source is None:
            return None
        return Found(attribute, self.lines.original(file, source), self.lines.translation(file, line))

    def building(self, names: Sequence[str], *, arrays: bool) -> Found | None:
        """Where the constructors depart, or where the translation's raises.

        names: parameters and buffers that don't fit; where one of their layers was built before anything departs, that
        is the place. arrays: whether arrays count, and not only numbers; those that are drawn at random never do.
        """
        self._build_original()
        try:
            self._build_translation()
        except FAILURES:
            self.constructed.jax_events = list(self.jax_trace.events)
            self.constructed.failing = self._failing()
            return self.constructed.first_departure(arrays=arrays) or self._raised()
        found = self.constructed.first_departure(arrays=arrays)
        holders = [name.rpartition(".")[0] for name in names if "." in name]
        paths = [self.constructed.outermost(path) for path in holders if path in self.kinds]
        built = self.constructed.when_built(paths[0]) if paths else None
        return None if built is not None and built < self.constructed.when else found

    def _run_translation(self, run: Run) -> bool:
        self._build_translation()
        try:
            with self.jax_trace.running():
                run()
        except FAILURES:
            return False
        return True

    def _compare(self, *, complete: bool) -> Found | None:
        failing = () if complete else self._failing()
        departures = Departures(
            self.source,
            Pairing(self.torch_trace.events, self.jax_trace.events, self.source, failing),
            complete=complete,
            suspect=self._suspects(),
            attribute=self.constructed.attribute,
            same_layer=self._same_layer(),
        )
        found = departures.first(self.torch_trace.events)
        if complete or (found is not None and found.translation is not None):
            return found
        return departures.excused(self._raised(departures), self.jax_trace.used) or found

    def _build_original(self) -> Any:
        with self.original.reseeded(), self.torch_trace.running():
            self.original.fresh()
        again = list(self.torch_trace.events)
        with self.torch_trace.running():
            model = self.original.fresh()
        self.constructed.torch_events = certain(self.torch_trace.events, again)
        if isinstance(model, nn.Module):
            self.torch_names = {id(module): path for path, module in model.named_modules()}
            self.kinds = {path: type(module).__name__ for path, module in model.named_modules()}
            self.children = {
                path: [name for name, _ in module.named_children()] for path, module in model.named_modules()
            }
            built = {**self.torch_trace.built, **self.torch_trace.bases}
            self.constructed.torch = {path: built[key] for key, path in self.torch_names.items() if key in built}
        return model

    def _build_translation(self) -> None:
        with self.jax_trace.running():
            self.translation.build()
        self.constructed.jax_events = list(self.jax_trace.events)
        twin = self.translation.model
        if isinstance(twin, nnx.Module):
            arrays = {slot.name: slot.variable.get_value() for slot in slots(twin, list(self.original.state))}
            self.first_values = {name: np.asarray(array) for name, array in arrays.items()}
            names = layer_names(twin, list(self.original.state), self.children)
            self.constructed.names = set(self.kinds), set(names.values())
            built = {**self.jax_trace.built, **self._own_bases()}
            self.constructed.made = {(at[0].file, self._source(at[0])) for at in built.values()}
            self.constructed.jax = {path: built[key] for key, path in names.items() if key in built}
            self.shifted = dict(self._shifted(twin, names))
            self._follow_functions(twin, names)
        try:
            self.translation.carry(self.original)
        except FAILURES:
            return  # what does not fit was the reason to come here

    def _shifted(self, twin: nnx.Module, names: Mapping[int, str]) -> Iterator[tuple[str, list[str]]]:
        for _, node in nnx.iter_graph(twin):
            name = names.get(id(node))
            if not isinstance(node, nnx.Sequential) or name is None:
                continue
            children = self.children.get(name)
            there = numbered(node.layers, children, names)
            lacking = [child for child in children if child not in there] if children is not None else []
            if children is None or lacking:
                known = sum(child is not None for child in there) == len(there)
                yield name, lacking if known else []

    def _own_bases(self) -> dict[int, tuple[At, ...]]:
        """Calls of constructors of layers by classes of the program; helpers derive from layers too."""
        bases = self.jax_trace.bases.items()
        own = {key: [at for at in chain if self._source(at) is not None] for key, chain in bases}
        return {key: tuple(at) for key, at in own.items() if at and at[0] == self.jax_trace.bases[key][0]}

    def _source(self, at: At) -> int | None:
        return self.lines.source_line(at.file, self._start(at.file, at.line))

    def _follow_functions(self, twin: nnx.Module, names: Mapping[int, str]) -> None:
        def told(followed: Followed, given: tuple[Any, ...], result: Any) -> None:
            raised = isinstance(result, Exception)
            self.jax_trace.events.append(LayerCall(followed, tuple(map(kept, given)), kept(result), raised))

        for followed in follow(twin, told, names, self.children):
            line = self._line_of_function(followed)
            if line is not None:
                self.constructed.jax[followed.name] = (line,)

    def _line_of_function(self, followed: Followed) -> At | None:
        root, holder, key = self.translation.space.root, followed.holder, followed.key
        holder_name = followed.name.rpartition(".")[0]
        if isinstance(holder, nnx.Sequential):
            chain = self.constructed.jax.get(holder_name, ())
            if not chain:
                return None
            line = line_of_element(_text(root / chain[0].file), chain[0].line, int(followed.key))
            return replace(chain[0], line=line) if line is not None else self._made_for(followed.name) or chain[0]
        file = f"{type(holder).__module__.replace('.', '/')}.py"
        if not (root / file).is_file():
            return None
        for event in self.constructed.jax_events:
            if isinstance(event, Moment) and not event.entry and event.file == file and f"self.{key}" in event.values:
                return At(file, event.line, event.call)
        place = line_of_attribute(_text(root / file), type(holder).__name__, key)
        return At(file, place, -1) if place is not None else None

    def _made_for(self, name: str) -> At | None:
        """The translation's line for the one where the original builds a layer."""
        for at in self.constructed.torch.get(name, ())[:1]:
            statement = self.source.torch(at.file).get(at.line)
            line = self.lines.output_line(at.file, statement.line if statement is not None else at.line)
            return At(at.file, line, -1) if line is not None else None
        return None

    def raised_by(self, error: BaseException) -> Found | None:
        """The last line of the translation on the way to an error that comes from the original."""
        root = self.translation.space.root
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(f"{root}/")]
        files = [(frame.filename.removeprefix(f"{root}/"), frame.lineno or 0) for frame in frames]
        self.jax_trace.failing[:] = [At(file, line, -1) for file, line in reversed(files)]
        return self._raised()

    def _raised(self, departures: Departures | None = None) -> Found | None:
        """The innermost line on the way to the error that comes from the original and was called with the same."""
        found: Found | None = None
        for at in reversed(self.jax_trace.failing):
            if departures is not None and found is not None and departures.is_astray(at.call):
                break
            line = self._start(at.file, at.line)
            source = self.lines.source_line(at.file, line)
            if source is not None:
                found = Found("", self.lines.original(at.file, source), self.lines.translation(at.file, line))
        return found

    def _failing(self) -> list[At]:
        return [replace(at, line=self._start(at.file, at.line)) for at in self.jax_trace.failing]

    def _start(self, file: str, line: int) -> int:
        """The first line of the statement that a line belongs to."""
        known = self.source.jax(file)
        return known[line].line if line in known else line

    def _suspects(self) -> Callable[[LayerCall], Found | None]:
        """Tells of each call of the original whether it is of a layer of a library that gives something else."""
        calls: dict[str, list[LayerCall]] = {}
        for name, call in self._calls_by_name():
            calls.setdefault(name, []).append(call)

        def suspect(event: LayerCall) -> Found | None:
            name = self.torch_names.get(id(event.owner))
            others = calls.get(name) if name is not None else None
            other = others.pop(0) if others else None
            if other is None or name is None or _is_of_program(event.owner, self.original):
                return None
            if isinstance(event.owner, nn.Sequential) and name not in self.shifted:
                return None  # its layers are compared one by one
            if name.rpartition(".")[0] in self.shifted and not event.owner.state_dict():
                return None
            pairs = zip(event.given, other.given, strict=False)
            if any(departure(expected, actual) or is_turned(expected, actual) for expected, actual in pairs):
                return None
            if other.raised:
                return self.constructed.layer(name, name)
            how = departure(event.result, other.result)
            lacking = self.shifted.get(name)
            path = f"{name}.{lacking[0]}" if lacking else name
            return self.constructed.layer(path, path, how) if how is not None else None

        return suspect

    def _same_layer(self) -> Callable[[Any, Any], bool]:
        names = self._names_that_ran()

        def same(torch_layer: Any, jax_layer: Any) -> bool:
            name, other = self.torch_names.get(id(torch_layer)), names.get(id(jax_layer))
            return name is None or other is None or name == other

        return same

    def _names_that_ran(self) -> dict[int, str]:
        """The names of the modules of the copy that ran: the last call to end is of the whole."""
        calls = [event for event in self.jax_trace.events if isinstance(event, LayerCall)]
        modules = [event.owner for event in calls if isinstance(event.owner, nnx.Module)]
        return layer_names(modules[-1], list(self.original.state), self.children) if modules else {}

    def _calls_by_name(self) -> Iterator[tuple[str, LayerCall]]:
        """The calls of layers by torch's name."""
        names = self._names_that_ran()
        for event in self.jax_trace.events:
            if not isinstance(event, LayerCall):
                continue
            name = event.owner.name if isinstance(event.owner, Followed) else names.get(id(event.owner))
            if name is not None:
                yield name, event


def layer_names(model: Any, state_names: Sequence[str], children: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Torch's name of each module in a translation, by identity: that of its path, or that of the weights in it.

    children: the names of the layers in each of the original's modules, for layers without weights in a Sequential.
    """
    by_name = named_modules(model)
    found = {id(node): name for name, node in by_name.items()}
    nodes = {".".join(map(str, path)): node for path, node in nnx.iter_graph(model)}
    certain: dict[int, str] = {}
    for slot in slots(model, state_names):
        holder = nodes.get(slot.path.rpartition(".")[0])
        if isinstance(holder, nnx.Module):
            path, name = found[id(holder)].split("."), slot.name.split(".")[:-1]
            certain[id(holder)] = ".".join(name)
            for depth in range(1, len(name)) if len(path) == len(name) else ():
                around = by_name.get(".".join(path[:depth]))
                if around is not None:
                    certain[id(around)] = ".".join(name[:depth])
    found |= certain
    for node in by_name.values():
        if isinstance(node, nnx.Sequential) and id(node) in found:
            _name_layers(node, found, certain, children)
    return found


def _name_layers(
    node: nnx.Sequential, found: dict[int, str], certain: Mapping[int, str], children: Mapping[str, Sequence[str]]
) -> None:
    """The names of the layers of a Sequential that have no weights, by their places between those that have."""
    name = found[id(node)]
    for layer, child in zip(node.layers, numbered(node.layers, children.get(name), certain), strict=True):
        if id(layer) not in found or id(layer) in certain:
            continue
        if child is None:
            del found[id(layer)]
        else:
            found[id(layer)] = f"{name}.{child}" if name else child


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _is_of_program(module: Any, original: Original) -> bool:
    """Whether the class of a module is one of the program, whose statements say more than its name."""
    return type(module).__module__.partition(".")[0] in original.space.names
