"""What a program tells of its statements."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from torch2jax.verify.tracing import RESULT, At, Moment, Trace

SOURCE = """\
class Box:
    def __init__(self, value):
        self.value = value

    def forward(self, x):
        return x + self.value


def run(n):
    box = Box(1)
    total = 0
    for i in range(n):
        total = box.forward(
            total
        )
    try:
        total = total / 0
    except ZeroDivisionError:
        total = -total
    return total
"""


def load(path: Path) -> ModuleType:
    path.write_text(SOURCE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("traced", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def traced(tmp_path: Path) -> tuple[Trace, Any]:
    module = load(tmp_path / "traced.py")
    trace = Trace(tmp_path, lambda owner: type(owner).__name__ == "Box", lambda value: value)
    with trace.running():
        module.run(2)
    return trace, module


def test_statements_end_in_order(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path)
    moments = [event for event in trace.events if isinstance(event, Moment) and not event.entry]
    assert all(moment.file == "traced.py" for moment in moments)
    assert [(m.line, m.values.get("total")) for m in moments if "total" in m.values] == [
        (11, 0), (13, 1), (13, 2), (19, -2)
    ]  # fmt: skip
    assert [m.values[RESULT] for m in moments if RESULT in m.values] == [1, 2, -2]


def test_a_call_begins_with_its_arguments(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path)
    entries = [e for e in trace.events if isinstance(e, Moment) and e.entry]
    assert [(e.line, e.values.get("x")) for e in entries if "x" in e.values] == [(5, 0), (5, 1)]
    assert len({e.call for e in entries}) == len(entries)


def test_calls_of_layers_tell_what_they_were_given(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path)
    calls = [event for event in trace.events if not isinstance(event, Moment)]
    assert [(call.given, call.result) for call in calls] == [((0,), 1), ((1,), 2)]


def test_it_is_known_where_an_object_is_built(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path)
    calls = [event for event in trace.events if not isinstance(event, Moment)]
    assert trace.built[id(calls[0].owner)] == (At("traced.py", 10, 0),)


def test_nothing_is_followed_afterwards(tmp_path: Path) -> None:
    trace, module = traced(tmp_path)
    count = len(trace.events)
    module.run(1)
    assert len(trace.events) == count
