"""A page, and what a browser would make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

from torch2jax.report import Diagnostic
from torch2jax.verify.compare import ArrayError
from torch2jax.verify.found import Departure, Found, LayerError, Place
from torch2jax.verify.page import page
from torch2jax.verify.report import Outcome, Rung, Verdict, VerifyReport
from torch2jax.verify.texts import TranslatedFile

VOID = frozenset({"meta", "input", "br", "img", "link"})

SOURCE = '''\
"""A module with </script><script>alert(1)</script> in it."""
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        y = x + 1
        label = "</style><img src=x onerror=alert(1)>"
        return torch.foo(y)
'''
CODE = '''\
"""A module with </script><script>alert(1)</script> in it."""
import jax
from flax import nnx


class Net(nnx.Module):
    # x: N C
    def __call__(self, x):
        y = x + 2
        label = "</style><img src=x onerror=alert(1)>"
        return torch.foo(y)
'''
LINES = {6: 6, 8: 7, 9: 8, 10: 9, 11: 10}
HOSTILE = "Net(name='<script>alert(2)</script>')"


@dataclass(eq=False)
class Element:
    """An element: its tag, its attributes, and the text inside it, that of its descendants included."""

    tag: str
    attributes: dict[str, str]
    ancestors: tuple[Element, ...] = field(repr=False)
    text: str = ""


@dataclass(eq=False, repr=False)
class Document(HTMLParser):
    """The elements of a page. Raises AssertionError for one that is closed but not open, or left open."""

    markup: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.markup)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str, **wanted: str) -> list[Element]:
        """The elements with a tag, and a word in an attribute (class_ for class)."""
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(word in element.attributes.get(name.rstrip("_"), "").split() for name, word in wanted.items())
        ]

    def by_id(self, name: str) -> Element:
        """The only element with an id."""
        (found,) = [element for element in self.elements if element.attributes.get("id") == name]
        return found


def outcomes() -> tuple[Outcome, ...]:
    place = Found(
        "y",
        Place("net.py", 8, "y = x + 1"),
        Place("net_jax.py", 9, "y = x + 2"),
        Departure("", ((2, 3), (2, 3)), 1.0, 0.5, (0, 1)),
    )
    layers = (
        LayerError("", "Net", "Net", 1, 1.0, 0.5, 0.0),
        LayerError("blocks", "ModuleList"),
        LayerError("blocks.0", "Linear", "Linear", 3, 1e-16, 1e-16, 0.0, built=Place("net.py", 6, "class Net")),
        LayerError("blocks.1", "ReLU", "relu", 1, 0.1, 0.1, 1e-12),
        LayerError("blocks.2", "Linear", "Linear", 1, 0.2, 0.2, 0.1),
    )
    return (
        Outcome("Good()", Rung.IMPORTS, "float64", Verdict.AGREES, seconds=0.5),
        Outcome("Good()", Rung.EVAL, "float64", Verdict.AGREES, 1e-16, 1e-15, seconds=0.5),
        Outcome(
            "Good()", Rung.STEPS, "float64", Verdict.AGREES, 1e-16, 1e-15, losses=((3.0, 2.0, 1.5), (3.0, 2.0, 1.5))
        ),
        Outcome(HOSTILE, Rung.IMPORTS, "float64", Verdict.AGREES),
        Outcome(
            HOSTILE,
            Rung.EVAL,
            "float64",
            Verdict.DIFFERS,
            1.0,
            0.5,
            "worst at <b>the result</b>",
            (ArrayError("the result", 1.0, 0.5, 2.0),),
            place=place,
            layers=layers,
        ),
        Outcome(HOSTILE, Rung.TRAIN, "float64", Verdict.NOT_REACHED),
        Outcome(HOSTILE, Rung.JIT, "float64", Verdict.NOT_REACHED),
    )


def report() -> VerifyReport:
    diagnostics = (
        Diagnostic.of("T2J101", "torch.foo <i>has</i> no rule", hint="write it", path="net.py", line=10, column=15),
        Diagnostic.of("T2J201", "about the whole file", path="net.py"),
    )
    files = (
        TranslatedFile("net.py", "net_jax.py", SOURCE, CODE, LINES),
        TranslatedFile("same.py", "same.py", "X = 1\n", "X = 1\n"),
        TranslatedFile("torch2jax_helpers.py", "torch2jax_helpers.py", "", "def helper():\n    pass\n"),
    )
    return VerifyReport("/tmp/a & b/net.py", outcomes(), diagnostics, files=files)


@pytest.fixture(scope="session")
def data() -> dict[str, Any]:
    return report().to_json()


@pytest.fixture(scope="session")
def markup(data: dict[str, Any]) -> str:
    return page(data)


@pytest.fixture(scope="session")
def document(markup: str) -> Document:
    return Document(markup)
