"""Batch sizes, settings, and which cases are measured."""

import pytest

from torch2jax.verify import Case, Outcome, Rung, Verdict, VerifyReport
from torch2jax.verify.bench import BenchError, BenchSettings, worth_measuring
from torch2jax.verify.bench.batches import batch_of, shapes_of, with_batch
from torch2jax.verify.inputs import parse_inputs


def test_the_batch_changes_in_all_inputs_that_share_it() -> None:
    inputs = parse_inputs(["f32[4,3,8]", "int[4]<9", "mask=(bool[4,2], f32[5,4])", "=4", "f32[()]"])
    assert batch_of(inputs) == 4
    assert shapes_of(with_batch(inputs, 64)) == "f32[64,3,8], int[64], f32[()], bool[64,2], f32[5,4]"
    assert with_batch(inputs, None) is inputs


def test_inputs_without_axes_have_no_batch() -> None:
    with pytest.raises(BenchError, match="no batch to change"):
        with_batch(parse_inputs(["=3", "f32[()]"]), 8)


def test_the_environment_is_the_same_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    variables = BenchSettings(threads=3).environment("/somewhere")
    assert {variables[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")} == {"3"}
    assert variables["JAX_PLATFORMS"] == "cpu"
    assert variables["TORCHINDUCTOR_CACHE_DIR"] == "/somewhere"
    assert BenchSettings(device="gpu").environment("")["JAX_PLATFORMS"] == "cuda"


def test_only_what_agrees_is_measured() -> None:
    cases = tuple(Case("Net", method=method, name=method) for method in ("good", "bad", "unreached"))
    verdicts = {"good": Verdict.AGREES, "bad": Verdict.DIFFERS}
    outcomes = tuple(Outcome(name, Rung.EVAL, "float64", verdict) for name, verdict in verdicts.items())
    chosen, sentences = worth_measuring(VerifyReport("net.py", outcomes, (), cases))
    assert chosen == [cases[0]]
    assert sentences == [
        "bad.bad is not measured (eval: DIFFERS)",
        "unreached.unreached is not measured (it was not run)",
    ]
    assert worth_measuring(VerifyReport("net.py", ()))[1] == ["nothing is measured: the verification came to no end"]
