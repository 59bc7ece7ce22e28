"""Which forward passes are written out in the branch that trains on them, and which stay where they are."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax.source.nodes import walk
from torch2jax.source.phases import separated


def result(source: str) -> str:
    return separated(cst.parse_module(dedent(source)), {}).tree.code


def test_a_branch_gets_the_forward_pass_and_the_other_too() -> None:
    source = """\
    for x, y in batches:
        x = x.to(device)
        opt.zero_grad()
        out = model(x)
        loss = f(out, y)
        if train:
            loss.backward()
            opt.step()
        total += loss.item()
    """
    expected = """\
    for x, y in batches:
        x = x.to(device)
        if train:
            opt.zero_grad()
            out = model(x)
            loss = f(out, y)
            loss.backward()
            opt.step()
        else:
            out = model(x)
            loss = f(out, y)
        total += loss.item()
    """
    assert result(source) == dedent(expected)


def test_gradients_that_are_switched_by_the_test() -> None:
    source = """\
    for x, y in batches:
        with torch.set_grad_enabled(phase == "train"):
            loss = f(model(x), y)
            if phase == "train":
                opt.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(opt)
            seen.append(loss)
    """
    expected = """\
    for x, y in batches:
        if phase == "train":
            loss = f(model(x), y)
            opt.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(opt)
            seen.append(loss)
        else:
            with torch.no_grad():
                loss = f(model(x), y)
                seen.append(loss)
    """
    assert result(source) == dedent(expected)


@pytest.mark.parametrize(
    ("before", "test", "after"),
    [
        ("loss = f(model(x), y)", "loss > 0", ""),  # the test needs the loss
        ("loss = f(model(x), y)", "ready()", ""),  # it may do something besides
        ("loss = f(model(x), y)\n    train = loss", "train", ""),
        ("loss = f(model(x), y)\n    other.backward()", "train", ""),  # other gradients are there
        ("if not y:\n        continue\n    loss = f(model(x), y)", "train", ""),
        ("loss = f(model(x), y)", "train", "elif test:\n        pass"),
    ],
)
def test_what_stays(before: str, test: str, after: str) -> None:
    source = f"for x, y in batches:\n    {before}\n    if {test}:\n        loss.backward()\n        opt.step()\n" + (
        f"    {after}\n" if after else ""
    )
    wanted = source if "continue" not in source else None
    assert wanted is None or result(source) == source
    if wanted is None:
        assert result(source).index("continue") < result(source).index("if train")


def test_every_new_node_stands_for_one_of_the_source() -> None:
    tree = cst.parse_module("def f():\n    loss = g(x)\n    if train:\n        loss.backward()\n        opt.step()\n")
    known = {tree, *walk(tree)}
    found = separated(tree, {})
    assert all(node in known or found.origins[node] in known for node in walk(found.tree))
