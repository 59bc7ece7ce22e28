"""PyTorch's own list of operators and their samples, `op_db`: what was recorded of them still holds."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flax")
pytest.importorskip("expecttest")  # which PyTorch's test tools import

import torch

from conformance import op_db_running
from conformance.op_db_running import Verdict, run
from conformance.op_db_sources import Program, Sample, operators, program, reason_to_leave_out, with_axes
from torch2jax import convert
from torch2jax.conversion import Conversion

RECORD = json.loads((Path(__file__).parent / "op_db.json").read_text(encoding="utf-8"))
EVERY = 16  # one operator in so many runs every time,
SHORT = 2  # with so many samples


def recorded() -> Iterator[Any]:
    known = [name for name, result in RECORD.items() if result["verdict"] not in ("left out", "flagged", "differs")]
    for number, name in enumerate(known):
        yield pytest.param(name, SHORT, id=f"{name}-short", marks=[] if number % EVERY == 0 else [pytest.mark.full])
        yield pytest.param(name, None, id=name, marks=[pytest.mark.full])


def test_recorded_operators_exist() -> None:
    assert set(RECORD) <= set(operators())


def test_no_operator_differs_silently() -> None:
    assert [name for name, result in RECORD.items() if result["verdict"] == "differs"] == []


@pytest.mark.parametrize(("name", "most"), list(recorded()))
def test_the_translation_computes_the_same(name: str, most: int | None) -> None:
    report = run(name, program(operators()[name], most))
    assert report.reasons(Verdict.DIFFERS) == []
    if (recorded := RECORD[name]["verdict"]) in (Verdict.AGREES, Verdict.WITH_AXES):
        assert report.verdict in (Verdict.AGREES, Verdict(recorded)), report.reasons(report.verdict)


def test_a_sample_becomes_a_call_with_tensors_as_parameters() -> None:
    written = program(operators()["nn.functional.pad.circular"], 1)
    assert "def call_0(x0: torch.Tensor):\n    return F.pad(x0, " in written.source
    assert [tensor.dtype for tensor in written.samples[0].tensors] == [torch.float64]


def test_failing_samples_run_again_where_the_source_shows_the_axes() -> None:
    written = program(operators()["cumsum"])
    shown = with_axes([sample for sample in written.samples if sample.tensors[0].dim() == 0])
    assert "def call_0(x0: torch.Tensor):\n    () = x0.shape\n    return torch.cumsum(x0, 0" in shown.source
    assert run("cumsum", written).verdict is Verdict.WITH_AXES


@pytest.mark.parametrize(("written", "verdict"), [("-1 * e[1]", Verdict.AGREES), ("e[1] + 1e-6", Verdict.FLAGGED)])
def test_eigenvectors_are_compared_up_to_their_phases(
    written: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_vectors(*args: Any, **kwargs: Any) -> Conversion:
        conversion = convert(*args, **kwargs)
        return replace(conversion, code=conversion.code.replace("e[1]", f"({written})"))

    monkeypatch.setattr(op_db_running, "convert", other_vectors)
    report = run("linalg.eigh", program(operators()["linalg.eigh"], 1))
    assert report.verdict is verdict, report
    if verdict is Verdict.FLAGGED:
        assert "unique up to their" in report.outcomes[0].reason  # said, though not silently: T2J205


def test_a_gradient_with_a_constant_in_single_precision_is_decided_as_well() -> None:
    assert run("nn.functional.hardsigmoid", program(operators()["nn.functional.hardsigmoid"])).verdict is Verdict.AGREES


def test_operators_without_a_public_name_are_left_out() -> None:
    assert reason_to_leave_out("jiterator_unary")
    assert not reason_to_leave_out("nn.functional.silu")


SINE = Program("import torch\n\n\ndef call_0(x0: torch.Tensor):\n    return torch.sin(x0)\n", (), ())


@pytest.mark.parametrize(
    ("body", "verdict", "reason"),
    [
        ("jnp.sin(x0)", Verdict.AGREES, ""),
        ("jnp.sin(x0) + 1e-6", Verdict.DIFFERS, "value: "),
        ("lax.stop_gradient(jnp.sin(x0))", Verdict.DIFFERS, "gradient: "),
        ("jnp.sin(x0)[0]", Verdict.DIFFERS, "value: [''] has shape"),
        ("jnp.sin(x0, axis=1)", Verdict.FAILS, "TypeError"),
    ],
)
def test_wrong_translations_are_found_out(
    body: str, verdict: Verdict, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"import jax.numpy as jnp\nfrom jax import lax\n\n\ndef call_0(x0):\n    return {body}\n"
    monkeypatch.setattr(op_db_running, "convert", lambda *_, **__: Conversion(code))
    sample = Sample("call_0", (torch.ones(3, dtype=torch.float64, requires_grad=True),))
    report = run("sin", Program(SINE.source, (sample,), ()))
    assert report.verdict is verdict
    assert report.outcomes[0].reason.startswith(reason)
