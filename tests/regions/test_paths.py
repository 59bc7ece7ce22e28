"""What code reads and writes, as the places are spelled."""

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch2jax.regions.paths import access_of_all, among, overlap, touches, whole

KNOWN = {"args.lr", "self.net", "self.net.fc"}


@pytest.mark.parametrize(
    ("code", "reads", "writes", "kills"),
    [
        ("y = x + x", ["x"], ["y"], ["y"]),
        ("x = x + 1", ["x"], ["x"], ["x"]),
        ("x += z", ["x", "z"], ["x"], []),
        ("x[i] = v", ["v", "x", "i"], ["x"], []),
        ("x.add_(y)", ["x", "y"], ["x"], []),
        ("x.data.fill_(0)", ["x"], ["x"], []),
        ("a, (b, *c) = f(d)", ["f", "d"], ["a", "b", "c"], ["a", "b", "c"]),
        ("self.loss = self.net(x)", ["self.net", "x"], ["self"], []),
        ("y = args.lr * self.net.fc.weight", ["args.lr", "self.net.fc"], ["y"], ["y"]),
        ("t = 1\nu = t + v", ["v"], ["t", "u"], ["t", "u"]),
        ("if c:\n    y = a\nelse:\n    z = b", ["c", "a", "b"], ["y", "z"], []),
        ("if c:\n    y = a\nelse:\n    y = b", ["c", "a", "b"], ["y"], ["y"]),
        ("if c:\n    y = a\nelif d:\n    y = b\nelse:\n    y = y", ["c", "a", "d", "b", "y"], ["y"], ["y"]),
        ("if c:\n    y = a\nelif d:\n    y = b", ["c", "a", "d", "b"], ["y"], []),
        ("for i in r:\n    s = s + i", ["r", "s"], ["i", "s"], []),
        ("for i in r:\n    t = i\n    u = t", ["r"], ["i", "t", "u"], []),
        ("y = [f(e) for e in xs if e > k]", ["xs", "k", "f"], ["y"], ["y"]),
        ("g = lambda a: a + b", ["b"], ["g"], ["g"]),
        ("def g(a):\n    c = a\n    return c + b", ["b"], ["g"], ["g"]),
        ("with m as n:\n    y = n", ["m"], ["n", "y"], ["n", "y"]),
        ("f(key=None, flag=True)", ["f"], [], []),
    ],
)
def test_statements(code: str, reads: list[str], writes: list[str], kills: list[str]) -> None:
    access = access_of_all(cst.parse_module(code).body, among(KNOWN))
    assert sorted(access.reads) == sorted(reads)
    assert sorted(access.writes) == sorted(writes)
    assert sorted(access.kills) == sorted(kills)


def test_a_known_place_is_taken_as_a_whole() -> None:
    find = whole(["self.net"], among(KNOWN))
    assert list(access_of_all(cst.parse_module("self.net.fc(x)").body, find).reads) == ["self.net", "x"]


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)


@given(NAMES, NAMES)
def test_places_touch_where_one_is_a_part_of_the_other(first: str, second: str) -> None:
    one, two = first.split("."), second.split(".")
    assert touches(first, second) == (one == two[: len(one)] or two == one[: len(two)])
    assert touches(first, second) == touches(second, first) == bool(overlap([first], [second]))
