"""`torch2jax verify --bench` with real processes. How long anything takes is asserted nowhere."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch")
pytest.importorskip("flax")

import torch

from torch2jax.cli.verify import verify as command
from torch2jax.verify import Case
from torch2jax.verify.bench import BenchError, BenchReport, BenchSettings, Contender, Work, bench, require_device
from torch2jax.verify.bench.torch_side import why_not_compiled
from torch2jax.verify.children import Limits

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.up = nn.Linear(3, width)
        self.dropout = nn.Dropout(0.5)
        self.down = nn.Linear(width, 2)

    def forward(self, x):
        {body}
        return self.down(self.dropout(torch.relu(self.up(self.norm(x)))))


def double(x):
    return x * 2
"""

TWO = (Contender.TORCH, Contender.JAX)
QUICK = BenchSettings(threads=1, rounds=2, turn=0.01, contenders=TWO)


def program(folder: Path, body: str = "pass") -> Path:
    path = folder / "net.py"
    path.write_text(NET.format(body=body))
    return path


def measured(path: Path, *cases: Case, settings: BenchSettings = QUICK, limits: Limits | None = None) -> BenchReport:
    return bench(path, cases=cases, settings=settings, limits=limits)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(command, [*map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def test_forward_and_step_of_both_with_two_batches(tmp_path: Path) -> None:
    settings = BenchSettings(threads=1, rounds=2, turn=0.01, contenders=TWO, batches=(1, 6))
    report = measured(program(tmp_path), Case("Net", "width=16", ("f32[4,3]",)), settings=settings)
    frames = [(m.batch, m.shapes, m.work, m.contender) for m in report.measurements]
    assert frames == [
        (batch, f"f32[{batch},3]", work, contender) for batch in (1, 6) for work in Work for contender in TWO
    ]
    refused = [m for m in report.measurements if (m.batch, m.work) == (1, Work.STEP)]
    assert all("the original refuses: ValueError: Expected more than 1 value per channel" in m.detail for m in refused)
    for m in report.measurements:
        if m not in refused:
            assert m.detail == ""
            assert list(m.turns) == [0, 1]
            assert m.first_call is not None
            assert m.peak is None or m.peak >= 0
    assert report.environment["float32 matmul precision"] == "highest (torch highest, jax highest)"
    assert {"torch", "jax", "flax", "optax", "device", "threads", "date", "load"} <= report.environment.keys()


def test_functions_have_no_training_step(tmp_path: Path) -> None:
    report = measured(program(tmp_path), Case("double", inputs=("f32[4,3]",)))
    forward, step = [[m for m in report.measurements if m.work is work] for work in Work]
    assert all(m.turns for m in forward)
    assert all(m.detail == "the original refuses: a plain function has nothing to train" for m in step)


def test_a_translation_that_can_not_be_traced_runs_without_jit(tmp_path: Path) -> None:
    path = program(tmp_path)
    translation = tmp_path / "net_jax.py"
    translation.write_text("def double(x):\n    return x * 2 if x.sum() > 0 else x + x\n")
    settings = BenchSettings(threads=1, rounds=1, turn=0.01, contenders=TWO, works=(Work.FORWARD,))
    report = bench(path, translation, cases=[Case("double", inputs=("f32[4,3]",))], settings=settings)
    jax = report.measurements[-1]
    assert jax.turns
    assert jax.detail.startswith("without jax.jit: TracerBoolConversionError")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os._exit(3)", "ended the process with exit status 3"),
        ("while True: pass", "did not end within 10 s (--timeout)"),
        ("kept = [bytearray(10**8) for _ in range(10**4)]", "needed more than 2 GiB of memory (--memory)"),
    ],
)
def test_a_program_that_takes_its_process_down_is_named(tmp_path: Path, body: str, words: str) -> None:
    limits = Limits(seconds=10.0, first=300.0, memory=2.0)
    settings = BenchSettings(threads=1, rounds=1, contenders=(Contender.TORCH,), works=(Work.FORWARD,))
    report = measured(program(tmp_path, body), Case("Net", "", ("f32[4,3]",)), settings=settings, limits=limits)
    assert [m.detail for m in report.measurements] == [words]


def test_the_command_writes_the_measurements_into_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/there/is/no/compiler")
    report = tmp_path / "report.json"
    options = ("--bench", "--threads", 1, "--rounds", 1, "--batch", "6", "--report", report)
    result = run(program(tmp_path), "--entry", "double", "--input", "f32[4,3]", *options)
    assert result.exit_code == 0
    assert "forward, f32[6,3]" in result.output
    data = json.loads(report.read_text(), parse_constant=pytest.fail)
    forward = {m["contender"]: m for m in data["bench"]["measurements"] if m["work"] == "forward"}
    assert list(forward) == ["torch", "torch.compile", "jax"]
    assert all(m["batch"] == 6 for m in forward.values())
    assert forward["jax"]["seconds"]
    missing = "torch.compile needs a C++ compiler here: install g++ or clang, or set CXX"
    assert (forward["torch.compile"]["seconds"], forward["torch.compile"]["detail"]) == (None, missing)


@pytest.mark.full
def test_torch_compile_is_measured(tmp_path: Path) -> None:
    settings = BenchSettings(threads=1, rounds=1, turn=0.01, contenders=(Contender.COMPILED,))
    report = measured(program(tmp_path), Case("Net", "", ("f32[4,3]",)), settings=settings)
    assert all(m.turns and not m.detail for m in report.measurements)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_must_be_there(tmp_path: Path) -> None:
    result = run(program(tmp_path), "--bench", "--device", "gpu")
    assert result.exit_code == 2
    assert f"--device gpu needs CUDA in torch and in jax: torch {torch.__version__} finds no CUDA" in result.output
    assert "finds no CUDA device (pip install 'jax[cuda12]')" in result.output


def test_a_framework_that_can_not_be_set_up_is_not_taken_for_one_with_a_gpu() -> None:
    with pytest.raises(BenchError, match=r"--device gpu: torch can't be set up: it did not end within 0.01 s"):
        require_device(BenchSettings(device="gpu"), Limits(seconds=0.01, first=0.01))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--batch", "1,2"), "--batch needs --bench: it says how to measure"),
        (("--bench", "--batch", "1,two"), "'1,two' is no list of batch sizes; write it as 1,8,64"),
        (("--bench", "--batch", "0"), "'0' is no list of batch sizes"),
        (("--bench", "--matmul", "tf32"), "--matmul tf32 needs --device gpu"),
        (("--bench", "--threads", "99999"), "--threads 99999: there are"),
    ],
)
def test_wrong_usage_is_explained(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    result = run(program(tmp_path), *options)
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx", "needs a C++ compiler"),
        ("Compiler: g++ is not found.", "needs a C++ compiler here: install g++ or clang, or set CXX"),
        ("something\n   else", "torch.compile fails here: something else"),
    ],
)
def test_why_torch_compile_does_not_work(message: str, sentence: str) -> None:
    assert sentence in why_not_compiled(RuntimeError(message), "cpu")
