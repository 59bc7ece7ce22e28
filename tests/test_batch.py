"""Many files at once, with the real engine."""

import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from torch2jax.batch import convert_safely, translate, translate_text
from torch2jax.conversion import Conversion
from torch2jax.options import Options
from torch2jax.source.walk import find


def test_a_long_sum_is_not_too_deep() -> None:
    source = "import torch\n\n\ndef f(x):\n    return " + " + ".join(["torch.relu(x)"] * 400) + "\n"
    result = translate_text(source.encode(), "a.py", Options())
    assert result.conversion.ok
    assert result.after.count(b"nnx.relu(x)") == 400


def test_findings_have_the_path_that_the_user_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    package = Path("deep/pkg")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "net.py").write_text("import torch\n\ny = torch.no_such_function(1)\n")
    (finding,) = translate(find([package]), Options()).report.diagnostics
    assert finding.path == "deep/pkg/net.py"
    (finding,) = translate_text((package / "net.py").read_bytes(), "deep/pkg/net.py", Options()).conversion.diagnostics
    assert finding.path == "deep/pkg/net.py"


def test_progress_counts_the_files(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.py").write_text("import torch\nx = torch.ones(2)\n")
    calls: list[tuple[int, int]] = []
    translate(find([tmp_path]), Options(), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def _converter(broken: Callable[[Mapping[str, str]], bool]):
    def convert(files: Mapping[str, str], options: Options, progress: object) -> dict[str, Conversion]:
        if broken(files):
            raise ValueError("no\nway")
        return {path: Conversion(text.upper()) for path, text in files.items()}

    return convert


def test_the_file_that_breaks_the_engine_is_found_and_the_others_are_translated() -> None:
    files = {"a.py": "a", "b.py": "bad", "c.py": "c", "d.py": "bad"}
    found = convert_safely(files, Options(), _converter(lambda some: "bad" in some.values()))
    assert {path: conversion.code for path, conversion in found.items()} == {
        "a.py": "A",
        "b.py": "bad",
        "c.py": "C",
        "d.py": "bad",
    }
    assert [d.code for d in found["b.py"].diagnostics] == ["T2J110"]
    assert found["b.py"].diagnostics[0].message == "torch2jax failed on this file: ValueError: no"


def test_an_engine_that_breaks_on_the_files_together_breaks_on_all() -> None:
    files = {"a.py": "a", "b.py": "b"}
    found = convert_safely(files, Options(), _converter(lambda some: len(some) > 1))
    assert [conversion.code for conversion in found.values()] == ["a", "b"]
    assert all(conversion.diagnostics[0].code == "T2J110" for conversion in found.values())


def test_too_deep_for_the_engine_is_unreadable() -> None:
    def convert(files: Mapping[str, str], options: Options, progress: object) -> dict[str, Conversion]:
        raise RecursionError

    (finding,) = convert_safely({"a.py": ""}, Options(), convert)["a.py"].diagnostics
    assert (finding.code, finding.message) == ("T2J109", "the file is nested too deeply to be translated")


def test_every_file_finds_its_helpers_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = "import torch\n\n\ndef f(x):\n    return torch.median(x)\n"
    files = {
        "train.py": f"from models.net import f\nfrom pkg.sub.net import f as g\n{net}",
        "models/net.py": net,
        "pkg/__init__.py": "",
        "pkg/sub/__init__.py": "",
        "pkg/sub/net.py": net,
        "tools/run.py": "import torch\nfrom util import f\nprint(torch.median(torch.ones(3)), f)\n",
        "tools/util.py": net,
    }
    for name, text in files.items():
        path = Path("src") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    batch = translate(find([Path("src")]), Options())
    imports = {
        path: line
        for path, result in batch.results.items()
        for line in result.conversion.code.split("\n")
        if "torch2jax_helpers import" in line
    }
    assert imports == {
        "models/net.py": "from .torch2jax_helpers import median",
        "pkg/sub/net.py": "from ..torch2jax_helpers import median",
        "tools/run.py": "from torch2jax_helpers import median",
        "tools/util.py": "from torch2jax_helpers import median",
        "train.py": "from torch2jax_helpers import median",
    }
    homes = {path for path in batch.results if path.endswith("torch2jax_helpers.py")}
    assert homes == {f"{folder}torch2jax_helpers.py" for folder in ("", "models/", "pkg/", "tools/")}


def test_several_processes_translate_as_one_does() -> None:
    from torch2jax.convert import convert_files

    files = {
        f"m{n}.py": f"import torch\n\n\ndef f{n}(x):\n    return torch.median(x + {n}), torch.foo(x)\n"
        for n in range(6)
    }
    assert convert_files(files, jobs=3) == convert_files(files, jobs=1)


def test_files_without_torch_come_out_byte_for_byte() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted([*folder.glob("*.py"), *folder.glob("asyncio/*.py")])[::3]:
        data = path.read_bytes()
        result = translate_text(data, path.name, Options())
        assert result.after == data, path
        assert result.conversion.diagnostics == (), path
