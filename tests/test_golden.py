"""Snapshots of translations: `tests/golden/*/in.py` becomes `out.py`, and computes the same where a case says how.

`pytest tests/test_golden.py --update` rewrites the snapshots; read the difference before committing it.
"""

from pathlib import Path

import pytest

from torch2jax import convert

GOLDEN = sorted(path.parent for path in Path(__file__).parent.glob("golden/*/in.py"))
WITH_CASES = [folder for folder in GOLDEN if (folder / "case.toml").exists()]


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda path: path.name)
def test_the_output_is_as_recorded(folder: Path, update: bool) -> None:
    """The code, and below it what the conversion reported."""
    conversion = convert((folder / "in.py").read_text(encoding="utf-8"), filename="in.py")
    code, report = folder / "out.py", folder / "report.txt"
    found = "".join(f"{diagnostic.headline}\n" for diagnostic in conversion.diagnostics)
    if update:
        code.write_text(conversion.code, encoding="utf-8")
        report.write_text(found, encoding="utf-8")
        if not found:
            report.unlink()
    assert code.read_text(encoding="utf-8") == conversion.code
    assert (report.read_text(encoding="utf-8") if report.exists() else "") == found


@pytest.mark.parametrize("folder", WITH_CASES, ids=lambda path: path.name)
def test_the_output_agrees_with_the_input(folder: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("flax")
    from torch2jax.verify import verify
    from torch2jax.verify.cases import read_cases

    cases = read_cases(folder / "case.toml")
    report = verify(folder / "in.py", cases=cases, dtypes=["float64"], last="gradients")
    assert [f"{o.case} ({o.rung}): {o.verdict} {o.detail}" for o in report.bad] == []
