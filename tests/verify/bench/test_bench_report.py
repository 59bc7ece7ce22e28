"""What a benchmark says: JSON of a documented shape, and tables."""

import json

import pytest
from rich.console import Console

from torch2jax.verify.bench import BenchReport, BenchSettings, Contender, Measurement, Work
from torch2jax.verify.bench.race import Turn


def measurement(contender: Contender, seconds: list[float], **settings: object) -> Measurement:
    turns = {number: Turn((value,) * 3, value * 2) for number, value in enumerate(seconds)}
    return Measurement("Net()", 4, "f32[4,3]", Work.FORWARD, contender, turns=turns, **settings)  # type: ignore[arg-type]


@pytest.fixture
def report() -> BenchReport:
    measurements = (
        measurement(Contender.TORCH, [0.002, 0.004, 0.003], first_call=0.01, warm_up=0.3, peak=3 * 2**20),
        measurement(Contender.COMPILED, [], detail="torch.compile needs a C++ compiler here"),
        measurement(Contender.JAX, [0.001, 0.002, 0.0015], first_call=1.5, warm_up=0.3, peak=2 * 2**20),
    )
    return BenchReport(BenchSettings(threads=1), {"device": "a processor"}, measurements, ("Other() is not measured",))


def test_json(report: BenchReport) -> None:
    data = json.loads(json.dumps(report.to_json()), parse_constant=pytest.fail)
    assert data["settings"] == {
        "device": "cpu", "threads": 1, "matmul": "highest", "dtype": "float32", "rounds": 20, "turn_s": 0.1,
    }  # fmt: skip
    torch, compiled, jax = data["measurements"]
    assert jax["seconds"] == {"median": 0.0015, "low": 0.00125, "high": 0.00175}
    assert jax["times_as_fast_as"] == {"torch": {"median": 2.0, "low": 2.0, "high": 2.0}, "torch.compile": None}
    assert jax["cpu_times_as_fast_as"]["torch"]["median"] == 2.0
    assert torch["times_as_fast_as"] == {"torch.compile": None}
    assert (compiled["seconds"], compiled["detail"]) == (None, "torch.compile needs a C++ compiler here")
    assert jax["rounds"][0] == {"round": 0, "calls": 3, "seconds": 0.001, "cpu_seconds": 0.002}
    assert data["left_out"] == ["Other() is not measured"]


def test_tables_fit_a_narrow_terminal(report: BenchReport) -> None:
    console = Console(width=80)
    with console.capture() as capture:
        report.print(console)
    lines = capture.get().splitlines()
    rows = {cells[0]: cells[1:] for line in lines if len(cells := line.split()) > 1}
    assert rows["jax"] == ["1.5", "1.25-1.75", "3", "2.00", "1.50", "2"]
    assert rows["torch"] == ["3", "2.5-3.5", "6", "0.01", "3"]
    assert rows["torch.compile"] == ["-"]
    assert "forward, f32[4,3]" in capture.get()
    assert "f32[4,3], forward, torch.compile: torch.compile needs a C++ compiler here" in lines
    assert "Other() is not measured" in lines


@pytest.mark.parametrize(("cpu", "busy"), [(0.0005, True), (0.001, False)])
def test_a_busy_machine_is_noticed(cpu: float, busy: bool) -> None:
    turns = {0: Turn((0.001,), cpu)}
    found = Measurement("Net()", 4, "f32[4,3]", Work.FORWARD, Contender.JAX, turns=turns)
    console = Console(width=160)
    with console.capture() as capture:
        BenchReport(BenchSettings(threads=1), {}, (found,)).print(console)
    assert ("calls took up to 2.0 times as long as they computed" in capture.get()) == busy
