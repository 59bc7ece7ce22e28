"""Programs of the same names side by side, and which files make up a program."""

import sys
from pathlib import Path

import pytest

from torch2jax.options import Options
from torch2jax.verify import Case, CaseError, verify
from torch2jax.verify.programs import translated
from torch2jax.verify.sources import sources_of
from torch2jax.verify.spaces import Space, top_level_names


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a relative and an absolute import, one that runs late, and a cache folder."""
    root = tmp_path / "demo_pkg"
    (root / "sub").mkdir(parents=True)
    (root / "__pycache__").mkdir()
    (root / "__init__.py").write_text("from .sub.net import Net\n")
    (root / "sub" / "__init__.py").write_text("")
    (root / "sub" / "net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self, width=3, inner=None):\n"
        "        super().__init__()\n        self.layer = nn.Linear(4, width)\n        self.inner = inner\n\n"
        "    def forward(self, x):\n        from demo_pkg.tail import scale\n\n        return scale(self.layer(x))\n"
    )
    (root / "tail.py").write_text("def scale(x):\n    return 3 * x\n")
    (root / "__pycache__" / "junk.py").write_text("raise RuntimeError\n")
    return root


def test_two_programs_of_one_name_do_not_meet(tmp_path: Path) -> None:
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "space_main.py").write_text(
            "import space_part\n\n\ndef late():\n    import space_late\n\n"
            "    return space_part.VALUE + space_late.VALUE\n"
        )
        (tmp_path / folder / "space_part.py").write_text(f"VALUE = {value}\n")
        (tmp_path / folder / "space_late.py").write_text(f"VALUE = {10 * value}\n")
    names = {"space_main", "space_part", "space_late"}
    first, second = Space(tmp_path / "a", names), Space(tmp_path / "b", names)
    modules = [space.load("space_main") for space in (first, second)]
    with first.active():
        assert modules[0].late() == 11
    with second.active():
        assert modules[1].late() == 22
        assert sys.modules["space_main"] is modules[1]
    assert not names & sys.modules.keys()
    assert str(tmp_path / "a") not in sys.path
    assert not list(tmp_path.rglob("__pycache__")), "the user's folders stay clean"


def test_a_module_that_was_there_before_comes_back(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("VALUE = 1\n")
    import json

    space = Space(tmp_path, {"json"})
    assert space.load("json").VALUE == 1
    assert sys.modules["json"] is json


def test_a_file_brings_what_it_imports_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import torch\nimport parts\nfrom lib.deep import x\n")
    (tmp_path / "parts.py").write_text("import more\n")
    (tmp_path / "more.py").write_text("import model\n")
    (tmp_path / "unrelated.py").write_text("import nothing\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("")
    (tmp_path / "lib" / "deep.py").write_text("x = 1\n")
    root, files = sources_of(tmp_path / "model.py")
    assert root == tmp_path
    assert set(files) == {"model.py", "parts.py", "more.py", "lib/__init__.py", "lib/deep.py"}
    assert top_level_names(files) == {"model", "parts", "more", "lib"}


def test_a_package_is_imported_by_its_name(package: Path) -> None:
    root, files = sources_of(package)
    assert root == package.parent
    assert set(files) == {f"demo_pkg/{name}" for name in ("__init__.py", "sub/__init__.py", "sub/net.py", "tail.py")}


def test_a_package_is_verified_with_its_cases_beside_it(package: Path) -> None:
    (package / "verify.toml").write_text(
        '[[case]]\nentry = "Net"\nargs = "inner=demo_pkg.sub.net.Net()"\ninputs = ["f32[2,4]"]\n\n'
        '[[case]]\nentry = "demo_pkg.sub.net:Net"\nargs = "5"\ninputs = ["f32[3,4]"]\n'
    )
    report = verify(package, dtypes=["float64"])
    assert report.ok, report.outcomes
    assert len({outcome.case for outcome in report.outcomes}) == 2


def test_a_folder_without_init_needs_modules_by_name(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def double(x):\n    return 2 * x\n")
    with pytest.raises(CaseError, match="found no module class to run"):
        verify(tmp_path)
    with pytest.raises(CaseError, match="module:name"):
        verify(tmp_path, cases=[Case("double", inputs=("f32[2]",))])
    assert verify(tmp_path, cases=[Case("one:double", inputs=("f32[2]",))], dtypes=["float64"]).ok


def test_a_translation_must_match_the_original_in_kind(package: Path) -> None:
    with (
        pytest.raises(CaseError, match="the translation of a file is a file"),
        translated(package, package / "tail.py", Options()),
    ):
        pass
