"""The files that make up a program."""

from pathlib import Path

from torch2jax.verify import Case, verify
from torch2jax.verify.sources import bare_packages, default_module, module_name, sources_of
from torch2jax.verify.written import written_cases

NET = "from torch import nn\n{imports}\n\nclass Net(nn.Linear):\n    def forward(self, x):\n        return {result}\n"


def make(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_file_of_a_package_brings_what_it_imports_from_there(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "import missing",
        "pkg/sub/__init__.py": "from .deep import y",
        "pkg/sub/net.py": "from ..parts import x\nimport pkg.other\nimport json\nfrom .. import more, numbers",
        "pkg/sub/deep.py": "y = 1",
        "pkg/parts.py": "from pkg.sub import y",
        "pkg/other.py": "",
        "pkg/more.py": "",
        "pkg/unrelated.py": "",
        "json.py": "",
    }
    make(tmp_path, {**files, "pkg/sub/net.py": files["pkg/sub/net.py"].removesuffix(", numbers")})
    root, found = sources_of(tmp_path / "pkg/sub/net.py")
    assert root == tmp_path
    assert set(found) == {f"pkg/{f}.py" for f in ("sub/__init__", "sub/net", "sub/deep", "parts", "other", "more")}
    assert bare_packages(found) == {"pkg"}
    assert default_module(tmp_path / "pkg/sub/net.py", root) == "pkg.sub.net"
    make(tmp_path, files)  # a name from the package itself: its __init__ is part of the program
    assert "pkg/__init__.py" in sources_of(tmp_path / "pkg/sub/net.py")[1]


def test_a_file_of_a_package_is_verified_without_the_rest_of_it(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "pkg/__init__.py": "import package_that_is_not_there\n",
            "pkg/parts.py": "def double(x):\n    return 2 * x\n",
            "pkg/net.py": NET.format(imports="from pkg.parts import double\n", result="double(super().forward(x))"),
        },
    )
    case = Case("Net", "3, 4", ("f32[2,3]",), train=False, reason="one mode is enough")
    report = verify(tmp_path / "pkg" / "net.py", cases=[case], dtypes=["float64"])
    assert report.ok, report.outcomes


def test_names_of_modules(tmp_path: Path) -> None:
    assert module_name("pkg/net.py") == "pkg.net"
    assert module_name("pkg/__init__.py") == "pkg"
    assert default_module(tmp_path, tmp_path) == ""
    make(tmp_path, {"net.py": "x = 1\n"})
    assert written_cases(tmp_path / "net.py") == []
