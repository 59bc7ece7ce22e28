"""Which file an import means."""

import pytest

from torch2jax.source.project import Project
from torch2jax.source.text import SourceError


def project(*paths: str) -> Project:
    return Project.of(dict.fromkeys(paths, "x = 1\n"))


def resolved(files: Project, importer: str, module: str | None, level: int = 0) -> str | None:
    found = files.resolve_import(importer, module, level)
    return found.path if found else None


def test_modules_have_the_names_that_python_gives_them() -> None:
    files = project(
        "train.py", "models/net.py", "pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/a.py", "src/q/__init__.py"
    )
    assert {path: file.module for path, file in files.items()} == {
        "train.py": "train",
        "models/net.py": "models.net",
        "pkg/__init__.py": "pkg",
        "pkg/sub/__init__.py": "pkg.sub",
        "pkg/sub/a.py": "pkg.sub.a",
        "src/q/__init__.py": "q",
    }
    assert [path for path, file in files.items() if file.is_package] == [
        "pkg/__init__.py",
        "pkg/sub/__init__.py",
        "src/q/__init__.py",
    ]
    assert files.package_roots == ("pkg", "src/q")


def test_a_package_in_the_root_without_its_name_resolves_relative_imports() -> None:
    files = project("__init__.py", "vit.py", "parts/__init__.py", "parts/a.py")
    assert files["parts/a.py"].package == ""
    assert resolved(files, "parts/a.py", "vit", 2) == "vit.py"
    assert resolved(files, "vit.py", None, 1) == "__init__.py"


@pytest.mark.parametrize(
    ("importer", "module", "level", "found"),
    [
        ("pkg/a.py", "b", 1, "pkg/b.py"),
        ("pkg/a.py", None, 1, "pkg/__init__.py"),
        ("pkg/__init__.py", "a", 1, "pkg/a.py"),
        ("pkg/__init__.py", None, 1, "pkg/__init__.py"),
        ("pkg/sub/c.py", "b", 2, "pkg/b.py"),
        ("pkg/sub/c.py", "sub.d", 2, None),
        ("pkg/sub/c.py", "x", 4, None),
        ("pkg/a.py", "pkg.b", 0, "pkg/b.py"),
        ("pkg/a.py", "pkg.sub", 0, "pkg/sub/__init__.py"),
        ("pkg/a.py", "b", 0, None),  # Python 2's implicit relative import
        ("pkg/a.py", "torch.nn", 0, None),
        ("train.py", "pkg.a", 0, "pkg/a.py"),
        ("tools/run.py", "helper", 0, "tools/helper.py"),
        ("tools/run.py", "train", 0, "train.py"),
        ("tools/run.py", "lib", 0, "src/lib/__init__.py"),
        ("src/lib/m.py", "lib", 0, "src/lib/__init__.py"),
        ("train.py", "tools.helper", 0, "tools/helper.py"),
        ("train.py", "tools", 0, None),
    ],
)
def test_imports(importer: str, module: str | None, level: int, found: str | None) -> None:
    files = project(
        "train.py",
        "tools/run.py",
        "tools/helper.py",
        "pkg/__init__.py",
        "pkg/a.py",
        "pkg/b.py",
        "pkg/sub/__init__.py",
        "pkg/sub/c.py",
        "src/lib/__init__.py",
        "src/lib/m.py",
    )
    assert resolved(files, importer, module, level) == found


def test_a_package_wins_over_a_module_of_the_same_name() -> None:
    assert resolved(project("a.py", "b.py", "b/__init__.py"), "a.py", "b") == "b/__init__.py"


def test_a_name_in_a_from_import_may_be_a_submodule() -> None:
    files = project("pkg/__init__.py", "pkg/a.py", "run.py")
    for importer, module, level in [("run.py", "pkg", 0), ("pkg/__init__.py", None, 1)]:
        found = files.resolve_from(importer, module, "a", level)
        assert found is not None
        assert found.path == "pkg/a.py"
    assert files.resolve_from("run.py", "pkg", "Net") is None


def test_a_file_is_parsed_when_it_is_asked_for() -> None:
    files = Project.of({"good.py": "\ufeffx = 1\r\n", "bad.py": "def f(:\n"})
    assert files["good.py"].text == "x = 1\n"
    assert files["good.py"].tree.code == "x = 1\n"
    assert files["good.py"].source.restore("x = 2\n") == "\ufeffx = 2\r\n"
    with pytest.raises(SourceError) as caught:
        _ = files["bad.py"].tree
    assert caught.value.diagnostic.path == "bad.py"


@pytest.mark.parametrize(
    ("path", "home"),
    [
        ("train.py", ("", 0)),
        ("pkg/__init__.py", ("pkg", 1)),
        ("pkg/a.py", ("pkg", 1)),
        ("pkg/sub/c.py", ("pkg", 2)),
        ("src/lib/m.py", ("src/lib", 1)),
        ("tools/run.py", ("tools", 0)),
        ("tools/util.py", ("tools", 0)),
        ("models/net.py", ("models", 1)),
        ("models/parts/block.py", ("models", 2)),
        ("models/unused.py", ("models", 0)),
    ],
)
def test_the_helpers_module_is_where_the_file_can_import_it(path: str, home: tuple[str, int]) -> None:
    files = Project.of(
        {
            "train.py": "from models import net\nfrom pkg.a import x\n",
            "pkg/__init__.py": "",
            "pkg/a.py": "from . import sub\n",
            "pkg/sub/__init__.py": "",
            "pkg/sub/c.py": "",
            "src/lib/__init__.py": "",
            "src/lib/m.py": "",
            "tools/run.py": "from util import f\n",
            "tools/util.py": "import models.parts.block as b\n",
            "models/net.py": "import torch\n",
            "models/parts/block.py": "",
            "models/unused.py": "print x\n",
        }
    )
    assert files.helpers_home(path) == home


def test_the_helpers_module_of_a_package_without_its_name_is_at_the_root() -> None:
    files = project("__init__.py", "a.py", "sub/__init__.py", "sub/b.py")
    assert [files.helpers_home(path) for path in files] == [("", 1), ("", 1), ("", 2), ("", 2)]


def test_files_are_related_by_imports_in_both_directions() -> None:
    files = Project.of(
        {
            "train.py": "import options\nfrom models.net import Net\n",
            "options.py": "import argparse\n",
            "models/__init__.py": "",
            "models/net.py": "import torch\nfrom .parts import f\n",
            "models/parts.py": "def f(x): return x.sum(dim=1)\n",
            "models/alone.py": "import os\n",
            "scrape.py": "import fetch\n",
            "fetch.py": "import torchless\n",
            "broken.py": "import models.net x\n",
        }
    )
    assert files.related(["models/net.py"]) == {"train.py", "options.py", "models/net.py", "models/parts.py"}
    assert files.related([]) == set()
    assert files.related(["scrape.py"]) == {"scrape.py", "fetch.py"}
