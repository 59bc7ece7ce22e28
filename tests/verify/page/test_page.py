"""The page as a whole: it needs nothing else, nothing in it can break it, and every link has a target."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import pytest

from torch2jax.verify.cases import Case
from torch2jax.verify.found import Departure, Found, Place
from torch2jax.verify.page import page
from torch2jax.verify.report import Outcome, Rung, Verdict, VerifyReport

_LOADING = ("src", "srcset", "data", "poster", "action", "background")


def test_nothing_is_loaded(document: Any, markup: str) -> None:
    assert not re.search(r"https?://|@import|url\(", markup)
    for element in document.elements:
        assert not element.attributes.keys() & set(_LOADING)
        assert element.attributes.get("href", "#").startswith("#")
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {element.tag for element in document.elements}


def test_only_our_script_may_run(document: Any) -> None:
    (script,) = document.all("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    (policy,) = [meta for meta in document.all("meta") if meta.attributes.get("http-equiv")]
    assert f"script-src 'sha256-{digest}'" in policy.attributes["content"]
    assert "default-src 'none'" in policy.attributes["content"]
    assert not any(name.startswith("on") for element in document.elements for name in element.attributes)


def test_what_the_programs_say_stays_text(document: Any) -> None:
    assert document.by_id("f0-s1").text == '"""A module with </script><script>alert(1)</script> in it."""'
    assert document.by_id("f0-t10").text.strip() == 'label = "</style><img src=x onerror=alert(1)>"'
    assert "Net(name='<script>alert(2)</script>')" in document.by_id("case-1").text
    assert "worst at <b>the result</b>" in document.by_id("case-1").text
    assert "torch.foo <i>has</i> no rule" in document.by_id("diagnostics").text
    assert not document.all("b")
    assert len(document.all("style")) == 1


def test_ids_are_unique_and_links_lead_somewhere(document: Any) -> None:
    ids = [element.attributes["id"] for element in document.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = {element.attributes["href"] for element in document.all("a")}
    assert links
    assert links <= {f"#{name}" for name in ids}


def test_the_verdict_comes_first(document: Any) -> None:
    (heading,) = document.all("h1")
    assert "does not agree" in heading.text
    assert "net.py" in heading.text
    assert document.all("title")[0].text == "net.py: does not agree"
    assert "1 of 2 cases agrees" in document.all("p", class_="summary")[0].text


def test_a_page_can_be_read_on_a_phone_and_in_the_dark(document: Any) -> None:
    viewport = [meta for meta in document.all("meta") if meta.attributes.get("name") == "viewport"]
    assert "width=device-width" in viewport[0].attributes["content"]
    assert "prefers-color-scheme: dark" in document.all("style")[0].text


def test_pages_are_made_without_torch_and_jax() -> None:
    modules = "torch2jax.verify.page, torch2jax.verify.terminal, torch2jax.verify.isolated, torch2jax.cli.progress"
    code = f"import sys, {modules}; sys.exit(bool({{'torch', 'jax', 'flax'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_verification_without_cases_has_a_page() -> None:
    assert "No case was run." in page(VerifyReport("net.py", ()).to_json())


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_diagnostics_are_at_their_lines(document: Any, severity: str) -> None:
    (found,) = document.all("p", class_=severity)
    if severity == "error":
        line = document.elements.index(document.by_id("f0-s10"))
        assert line < document.elements.index(found) < document.elements.index(document.by_id("f0-t11"))
        assert "write it" in found.text
    else:
        assert document.elements.index(found) < document.elements.index(document.by_id("f0-s1"))


def test_the_command_that_runs_it_again_names_a_finished_translation(data: Any) -> None:
    cases = [{**asdict(Case("Net")), "options": "--entry Net"}] * 2
    made_now = page({**data, "cases": cases})
    assert "torch2jax verify net.py --entry Net<" in made_now
    given = page({**data, "cases": cases, "translation": "/tmp/a & b/mine/net jax.py"})
    assert "torch2jax verify net.py &#39;mine/net jax.py&#39; --entry Net<" in given


def test_arrays_without_a_number_are_not_listed(data: Any) -> None:
    array = {"path": "fc.weight", "max_abs": None, "max_rel": None, "scale": None}
    outcomes = [{**outcome, "arrays": [array]} for outcome in data["outcomes"]]
    assert "Errors of" not in page({**data, "outcomes": outcomes})


def test_shapes_that_differ_are_said_once() -> None:
    how = Departure("", ((2, 3), (3, 4)), problem="shape (2, 3) in torch and (3, 4) in jax")
    at = Found("y", Place("net.py", 7, "y = x + 1"), Place("net_jax.py", 8, "y = x + 2"), how)
    outcome = Outcome("Net()", Rung.EVAL, "float64", Verdict.DIFFERS, place=at)
    text = page(VerifyReport("net.py", (outcome,), ()).to_json())
    assert "shape (2, 3) in torch and (3, 4) in jax" in text
    assert "shapes [2, 3] in torch" not in text
