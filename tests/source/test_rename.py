"""A package that imports itself by name, under another name."""

import pytest

from torch2jax.source.rename import rename_package


@pytest.mark.parametrize(
    ("code", "renamed"),
    [
        ("import pkg\npkg.x\n", "import new\nnew.x\n"),
        ("import os, pkg.a, pkg.b as b\n", "import os, new.a, new.b as b\n"),
        ("from pkg import a\npkg = 1\n", "from new import a\npkg = 1\n"),
        ("from \\\n  pkg.a import (\n  x,\n)\n", "from \\\n  new.a import (\n  x,\n)\n"),
        ("é = 1; import pkg; é(pkg.a)\n", "é = 1; import new; é(new.a)\n"),
        ("def f():\n    from pkg.a import b; return b\n", "def f():\n    from new.a import b; return b\n"),
        ("from pkg_other import a\nfrom .pkg import b\nfrom . import pkg\nimport pkgs\n", None),
        ("import other as pkg\npkg.x\n", None),
        ("x = 'import pkg'  # from pkg import x\n", None),
        ("import (\n pkg", None),
    ],
)
def test_imports_and_the_names_they_bind(code: str, renamed: str | None) -> None:
    assert rename_package(code, "pkg", "new") == (code if renamed is None else renamed)


def test_a_form_feed_is_no_line() -> None:
    assert rename_package("x = 1\n\f\nimport pkg\n", "pkg", "new") == "x = 1\n\f\nimport new\n"
