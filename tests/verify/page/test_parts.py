"""The parts of the page: code, cases, layers, losses and speed."""

from __future__ import annotations

from typing import Any

import pytest

from torch2jax.verify.page import page
from torch2jax.verify.page.alignment import Block, aligned
from torch2jax.verify.page.curves import curves
from torch2jax.verify.page.numbers import error, grade, milliseconds


def pair_of(element: Any) -> Any:
    return next(ancestor for ancestor in reversed(element.ancestors) if "pair" in ancestor.attributes.get("class", ""))


@pytest.mark.parametrize(("line", "origin"), [(6, 6), (8, 7), (9, 8), (10, 9), (11, 10)])
def test_a_line_stands_beside_the_one_that_it_comes_from(document: Any, line: int, origin: int) -> None:
    assert pair_of(document.by_id(f"f0-t{line}")) is pair_of(document.by_id(f"f0-s{origin}"))


def test_lines_that_differ_stand_alone_between_those_that_do_not(document: Any) -> None:
    assert "same" not in pair_of(document.by_id("f0-t9")).attributes["class"]
    assert "same" in pair_of(document.by_id("f0-t10")).attributes["class"]
    assert "same" in pair_of(document.by_id("f0-s1")).attributes["class"]
    assert "same" not in pair_of(document.by_id("f0-s2")).attributes["class"]


def test_every_line_is_there_once_with_its_number(document: Any, data: dict[str, Any]) -> None:
    for number, file in enumerate(data["files"]):
        for side, text in (("s", file["source"]), ("t", file["code"])):
            if side == "t" and text == file["source"]:
                continue
            lines = text.splitlines()
            shown = [document.by_id(f"f{number}-{side}{line}") for line in range(1, len(lines) + 1)]
            assert [line.text for line in shown] == lines
            assert [line.attributes["data-n"] for line in shown] == [str(n + 1) for n in range(len(lines))]


def test_the_place_is_marked_on_both_sides_and_linked(document: Any) -> None:
    hits = [element.attributes["id"] for element in document.all("span", class_="hit")]
    assert hits == ["f0-s8", "f0-t9"]
    links = {link.text: link.attributes["href"] for link in document.all("a")}
    assert links["net.py:8"] == "#f0-s8"
    assert links["net_jax.py:9"] == "#f0-t9"


def test_files_that_matter_are_open(document: Any) -> None:
    assert [("open" in file.attributes) for file in document.all("details", class_="file")] == [True, False, False]


def test_what_was_not_reached_is_one_line(document: Any) -> None:
    (row,) = document.all("tr", class_="missed")
    assert row.text.strip() == "not reachedtrain, jit"


def test_layers_are_a_tree_and_the_innermost_that_departs_is_named(document: Any) -> None:
    (bad,) = document.all("span", class_="apart")
    assert bad.text.split() == ["1", "ReLU", "→", "relu", "1.0e-01", "departs"]
    assert sum(ancestor.tag == "li" for ancestor in bad.ancestors) == 3
    assert all("open" in ancestor.attributes for ancestor in bad.ancestors if ancestor.tag == "details")
    chips = [
        chip.attributes["class"]
        for chip in document.all("i", class_="chip")
        if chip.ancestors[-1].tag != "span" or "layer" in chip.ancestors[-1].attributes.get("class", "")
    ]
    assert chips == ["chip large", "chip none", "chip exact", "chip large", "chip large"]
    (built,) = [link for link in document.all("a") if link.attributes["href"] == "#f0-s6"]
    assert built.text == "0"


def test_no_layer_is_blamed_where_the_whole_agrees(data: dict[str, Any], document: Any) -> None:
    agreed = [{**outcome, "verdict": "agrees"} for outcome in data["outcomes"]]
    found = type(document)(page({**data, "outcomes": agreed}))
    assert found.all("ul", class_="tree")
    assert not found.all("span", class_="apart")


def test_losses_lie_over_each_other(document: Any) -> None:
    torch, jax = document.all("polyline")
    assert torch.attributes["points"] == jax.attributes["points"]
    assert len(torch.attributes["points"].split()) == 3


def test_losses_that_are_not_finite_leave_a_gap() -> None:
    drawn = curves((1.0, None, 2.0, 3.0), (1.0, 1.0))
    assert drawn is not None
    assert [len(line.split()) for line in drawn.torch] == [1, 2]
    assert drawn.rows[1:] == [(2, None, 1.0), (3, 2.0, None), (4, 3.0, None)]
    assert curves((None,), (None,)) is None


def test_speed_is_shown_where_it_was_measured(data: dict[str, Any], document: Any) -> None:
    def measured(name: str, median: float, ratios: dict[str, Any]) -> dict[str, Any]:
        seconds = {"median": median, "low": median * 0.9, "high": median * 1.2}
        same = {"case": "Net()", "inputs": "f32[2,3]", "work": "forward", "detail": "", "peak_bytes": 2**21}
        return {**same, "contender": name, "seconds": seconds, "times_as_fast_as": ratios}

    failed = {**measured("torch.compile", 1.0, {}), "seconds": None, "detail": "it <b>failed</b>"}
    ratio = {"torch": {"median": 0.5, "low": 0.4, "high": 0.6}, "torch.compile": None}
    races = [measured("torch", 0.002, {}), failed, measured("jax", 0.004, ratio)]
    found = type(document)(page({**data, "bench": {"environment": {"jax": "0.10"}, "measurements": races}}))
    speed = found.by_id("speed").text
    assert "2.00 ms" in speed
    assert "0.50 × torch" in speed
    assert "not measured: it <b>failed</b>" in speed
    widths = [float(bar.attributes["width"]) for bar in found.all("rect")]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert not document.all("rect")


@pytest.mark.parametrize(
    ("pairs", "source", "code", "blocks"),
    [
        ([], 2, 3, [((1, 3), (1, 4))]),
        ([(2, 1)], 1, 2, [((1, 1), (1, 2)), ((1, 2), (2, 3))]),
        ([(1, 1), (2, 2), (3, 2)], 2, 3, [((1, 2), (1, 2)), ((2, 3), (2, 4))]),
        ([(3, 1), (1, 2), (2, 3)], 3, 3, [((1, 2), (1, 1)), ((2, 3), (1, 2)), ((3, 4), (2, 4))]),
        ([(9, 1), (1, 9)], 1, 1, [((1, 2), (1, 2))]),
    ],
)
def test_blocks_cover_both_sides_in_order(pairs: Any, source: int, code: int, blocks: Any) -> None:
    assert aligned(pairs, source, code) == [Block(range(*left), range(*right)) for left, right in blocks]


def test_numbers_are_short() -> None:
    assert (error(None), error(0.0), error(1.23e-15)) == ("", "0", "1.2e-15")
    assert [grade(v) for v in (None, 0.0, 1e-12, 1e-6, 0.1)] == ["none", "exact", "rounding", "small", "large"]
    assert [milliseconds(v) for v in (0.0000123, 0.00123, 1.234)] == ["0.0123", "1.23", "1234"]
