"""The public names, and what importing them costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import torch2jax

SRC = Path(__file__).parent.parent / "src"


def python(code: str) -> str:
    """Run code in a fresh interpreter that sees this checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SRC)}
    )
    return done.stdout.strip()


def test_importing_loads_neither_frameworks_nor_parsers() -> None:
    heavy = "{'torch', 'jax', 'flax', 'numpy', 'libcst', 'rich', 'click'}"
    assert python(f"import sys, torch2jax; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_converting_loads_neither_torch_nor_jax() -> None:
    code = (
        "import sys, torch2jax; torch2jax.convert('import torch\\nx = torch.ones(2)\\n');"
        "print(sorted({'torch', 'jax', 'flax', 'optax', 'numpy'} & set(sys.modules)))"
    )
    assert python(code) == "[]"


def test_the_help_of_the_command_loads_no_parser() -> None:
    code = (
        "import sys; from torch2jax.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'libcst', 'rich', 'torch', 'jax'} & set(sys.modules)))"
    )
    assert python(code).endswith("[]")


def test_every_public_name_is_there_and_is_what_its_module_has() -> None:
    for name in torch2jax.__all__:
        assert getattr(torch2jax, name) is not None
        assert name in dir(torch2jax)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = torch2jax.nonsense


@pytest.mark.parametrize("first", ["import torch2jax.convert", "from torch2jax.convert import convert_files", "pass"])
def test_convert_is_the_function_whoever_imports_the_module_first(first: str) -> None:
    assert python(f"{first}\nimport torch2jax; print(callable(torch2jax.convert))") == "True"


def test_convert_project_writes_a_mirrored_folder(tmp_path: Path) -> None:
    source = tmp_path / "pkg"
    source.mkdir()
    (source / "__init__.py").write_text("")
    (source / "net.py").write_text("import torch\n\n\ndef f(x):\n    return torch.relu(x)\n")
    (source / "notes.txt").write_text("hello\n")
    report = torch2jax.convert_project(source, tmp_path / "out", options=torch2jax.Options())
    assert report.ok
    assert report.copied == ("notes.txt",)
    assert set(report.files) >= {"__init__.py", "net.py"}
    assert (tmp_path / "out" / "net.py").read_text() == report.files["net.py"].code
    assert "torch" not in report.files["net.py"].code
    assert (tmp_path / "out" / "notes.txt").read_text() == "hello\n"


def test_convert_project_says_what_is_wrong_with_its_folders(tmp_path: Path) -> None:
    from torch2jax.source.walk import InputError
    from torch2jax.source.write import OutputError

    with pytest.raises(InputError, match="there is no such folder"):
        torch2jax.convert_project(tmp_path / "missing", tmp_path / "out")
    (tmp_path / "a.py").write_text("")
    with pytest.raises(InputError, match="there is no such folder"):
        torch2jax.convert_project(tmp_path / "a.py", tmp_path / "out")
    with pytest.raises(OutputError, match="would replace its input"):
        torch2jax.convert_project(tmp_path, tmp_path)
