"""Calls of a method of one of two things become branches."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax.source.choices import branched


def result(source: str) -> str:
    return branched(cst.parse_module(dedent(source)), {}).tree.code


def test_each_branch_has_its_call() -> None:
    source = """\
    for p in params:
        # no decay
        (plain if p.ndim == 1 else decayed).append(p)  # by axes
    """
    expected = """\
    for p in params:
        # no decay
        if p.ndim == 1:
            plain.append(p)  # by axes
        else:
            decayed.append(p)  # by axes
    """
    assert result(source) == dedent(expected)


@pytest.mark.parametrize("source", ["x = (a if t else b).pop()\n", "(a or b).append(x)\n", "f(a if t else b)\n"])
def test_all_else_stays(source: str) -> None:
    assert result(source) == source


def test_the_copies_stand_for_the_nodes_of_the_file() -> None:
    tree = cst.parse_module("(a if t else b).append(x)\n")
    origins: dict[cst.CSTNode, cst.CSTNode] = {}
    branch = branched(tree, origins).tree.body[0]
    assert isinstance(branch, cst.If)
    assert isinstance(branch.orelse, cst.Else)
    (line,) = branch.orelse.body.body
    assert origins[line] is tree.body[0]
