"""Every sample converts without an error, computes the same in float64, and its committed translation is up to date.

`pytest tests/samples --update` rewrites the translations.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from torch2jax import Options, Severity, convert, convert_files

pytest.importorskip("torch")
pytest.importorskip("flax")

import jax

from torch2jax.verify import Case, Verdict, verify
from torch2jax.verify.cases import SETTINGS, read_cases
from torch2jax.verify.sources import sources_of

# Kinks and lower precisions are no agreement in float64.
ALLOWED = (Verdict.AGREES, Verdict.INFORMATION)
SAMPLES = sorted(path.parent for path in Path(__file__).parents[2].glob("samples/*/verify.toml"))

# legacy spellings are what the samples are for
pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")


def source_of(sample: Path) -> Path:
    """What is converted: the folder of a package, or the one file."""
    return sample if (sample / "__init__.py").exists() else sample / "model.py"


def translation_of(sample: Path) -> dict[Path, str]:
    """The translation's files, at the places where they are committed."""
    source = source_of(sample)
    if source.is_file():
        text = source.read_text(encoding="utf-8")
        return {sample / "model_jax.py": convert(text, filename="model.py", options=Options()).code}
    _, files = sources_of(sample)
    target = sample.with_name(f"{sample.name}_jax")
    converted = convert_files(files, Options())
    return {target / Path(name).relative_to(sample.name): c.code for name, c in converted.items()}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What was compiled for a sample is of no use to the next one, and takes much memory."""
    yield
    jax.clear_caches()


def climb(sample: Path, cases: Sequence[Case], last: str) -> None:
    """Every rung up to the last one agrees in float64."""
    report = verify(source_of(sample), cases=cases, dtypes=["float64"], last=last)
    assert [d.headline for d in report.diagnostics if d.severity is Severity.ERROR] == []
    bad = [f"{o.case} ({o.rung}): {o.verdict} {o.detail}" for o in report.outcomes if o.verdict not in ALLOWED]
    assert bad == []
    assert report.ok


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_its_second_case_agrees_in_float64(sample: Path) -> None:
    """Other sizes; in train mode with ``--full``."""
    climb(sample, read_cases(sample / SETTINGS)[1:2], "eval")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_its_first_case_climbs_the_ladder(sample: Path) -> None:
    """Other sizes are those of the second case; further ones come with ``--full``."""
    climb(sample, read_cases(sample / SETTINGS)[:1], "jit")


@pytest.mark.full
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_case_climbs_the_ladder(sample: Path) -> None:
    climb(sample, read_cases(sample / SETTINGS), "sizes")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_the_committed_translation_is_up_to_date(sample: Path, update: bool) -> None:
    for path, code in translation_of(sample).items():
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_text(code, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == code, f"{path.name} is out of date: run pytest {__file__} --update"
