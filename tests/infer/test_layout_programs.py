"""Programs at random: a translation agrees with PyTorch in float64, or says in an error what it could not do."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("flax")

from layout_programs import generate
from torch2jax import Severity, convert
from torch2jax.verify import Case, Verdict
from torch2jax.verify.programs import Programs
from torch2jax.verify.report import Rung
from torch2jax.verify.run import Plan, run_cases

SOME, MANY = range(48), range(1000, 2000)


def chunks(seeds: range, size: int) -> list[range]:
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def problem(seed: int, folder: Path) -> tuple[str, bool]:
    """What is wrong with the translation of one program, empty if nothing is; and whether it was flagged."""
    source, shape = generate(seed)
    conversion = convert(source, filename="program.py")
    if any(diagnostic.severity is Severity.ERROR for diagnostic in conversion.diagnostics):
        return "", True
    for side, code in (("original", source), ("translation", conversion.code)):
        (folder / side).mkdir(exist_ok=True)
        (folder / side / f"program{seed}.py").write_text(code, encoding="utf-8")
    name = f"program{seed}"
    names = {f"{name}.py": conversion}
    programs = Programs(folder / "original", folder / "translation", frozenset((name,)), name, names)
    case = Case("Net", inputs=(f"f32[{','.join(map(str, shape))}]",), train=False)
    *_, outcome = run_cases(programs, [case], Plan(("float64",), last=Rung.EVAL))
    if outcome.verdict is Verdict.AGREES:
        return "", False
    return f"program {seed}: {outcome.verdict} {outcome.detail}\n{source}\n{conversion.code}", False


def check(seeds: range, folder: Path) -> None:
    flagged = 0
    for seed in seeds:
        text, is_flagged = problem(seed, folder)
        assert not text, text
        flagged += is_flagged
    assert flagged <= len(seeds) // 2, "an error is the exception"


@pytest.mark.parametrize("seeds", chunks(SOME, 8), ids=lambda seeds: f"from {seeds.start}")
def test_a_translation_agrees_or_is_flagged(seeds: range, tmp_path: Path) -> None:
    check(seeds, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("seeds", chunks(MANY, 100), ids=lambda seeds: f"from {seeds.start}")
def test_many_translations_agree_or_are_flagged(seeds: range, tmp_path: Path) -> None:
    check(seeds, tmp_path)


def test_programs_are_the_same_each_time() -> None:
    assert generate(3) == generate(3) != generate(4)
