"""Which statement a line belongs to, and what it may change."""

import pytest

from torch2jax.verify.statements import statements_of


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("x = 1", ("x",)),
        ("x, (y, *z) = f()", ("x", "y", "z")),
        ("x[0, 1] = 2", ("x",)),
        ("self.w.data[0] = 2", ("self.w",)),
        ("x += 1", ("x",)),
        ("x: int = 1", ("x",)),
        ("for a, b in c:\n    pass", ("a", "b")),
        ("with f() as g:\n    pass", ("g",)),
        ("x.add_(1)", ("x",)),
        ("y = x.add_(1)", ("y", "x")),
        ("x[0].add_(1)", ("x",)),
        ("f(x, self.y)", ("x", "self.y")),
        ("f(x)[0].zero_()", ()),
        ("return x", ()),
        ("if x:\n    pass", ()),
    ],
)
def test_places(source: str, places: tuple[str, ...]) -> None:
    assert statements_of(source)[1].places == places


@pytest.mark.parametrize(
    ("source", "names"), [("x = y.z", {"y.z", "y"}), ("x += y", {"x", "y"}), ("x[i] = 2", {"x", "i"}), ("x = 1", set())]
)
def test_names(source: str, names: set[str]) -> None:
    assert set(statements_of(source)[1].names) == names


def test_lines_belong_to_the_innermost_statement() -> None:
    source = "def f(x):\n    if (x and\n            x):\n        y = [\n            x,\n        ]\n    return y\n"
    found = statements_of(source)
    assert [found[line].line for line in range(1, 8)] == [1, 2, 2, 4, 4, 4, 7]
