"""Training scripts and projects go through the same losses as their translations in float64, and these are up to date.

`pytest tests/samples --update` rewrites the translations.
"""

from pathlib import Path

import pytest

from torch2jax import Options, Severity, convert, convert_files

pytest.importorskip("torch")
pytest.importorskip("flax")

from torch2jax.verify import Verdict
from torch2jax.verify.report import Rung
from torch2jax.verify.scripts import verify_script
from torch2jax.verify.sources import sources_of

FOLDER = Path(__file__).parents[2] / "samples" / "training"
PROJECTS = [path.parent for path in FOLDER.glob("*/train.py")]
SCRIPTS = sorted(path for path in (*FOLDER.glob("*.py"), *PROJECTS) if not path.stem.endswith("_jax"))
QUICK = ("linear_regression", "wgan_gp")
"""Those that are verified in every run: all take several runs of the script, some of them minutes."""
LOSSES = 50


@pytest.mark.parametrize(
    "script",
    [pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.full) for path in SCRIPTS],
)
def test_the_script_trains_alike(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # both run in copies of it
    report = verify_script(script)
    assert [d.headline for d in report.diagnostics if d.severity is Severity.ERROR] == []
    found = [o for o in report.outcomes if (o.rung, o.verdict) != (Rung.GLOBALS, Verdict.INFORMATION)]  # there are none
    assert [f"{o.rung}: {o.verdict} {o.detail}" for o in found if o.verdict is not Verdict.AGREES] == []
    losses = next(outcome.losses for outcome in report.outcomes if outcome.losses)
    assert len(losses[0]) >= LOSSES


def translation_of(script: Path) -> dict[Path, str]:
    """The files of a translation, at the places where they are committed."""
    if script.is_file():
        code = convert(script.read_text(encoding="utf-8"), filename=script.name, options=Options()).code
        return {script.with_name(f"{script.stem}_jax.py"): code}
    target = script.with_name(f"{script.name}_jax")
    return {target / name: c.code for name, c in convert_files(sources_of(script)[1], Options()).items()}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_committed_translation_is_up_to_date(script: Path, update: bool) -> None:
    for path, code in translation_of(script).items():
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == code, f"{path.name} is out of date: run pytest {__file__} --update"
