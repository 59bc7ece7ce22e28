"""Packages that are not installed, for the examples of rules."""

import importlib
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("flax")

from torch2jax.rules.cache import load_book
from torch2jax.rules.model import Example
from torch2jax.verify.examples import Status, run_example
from torch2jax.verify.rendering import render
from torch2jax.verify.stand_ins import PACKAGES, stand_ins


def test_every_module_of_a_package_is_its_stand_in() -> None:
    with stand_ins():
        layers = importlib.import_module("timm.layers.drop")
        assert layers.DropPath is importlib.import_module("timm.models.layers").DropPath
        with pytest.raises(AttributeError):
            layers.NoSuchLayer  # noqa: B018
    assert not [name for name in sys.modules if name.partition(".")[0] == "timm"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("timm.layers.drop")


def test_an_installed_package_takes_precedence(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "timm.py").write_text("layers = 7\n", encoding="utf-8")  # type: ignore[operator]
    monkeypatch.syspath_prepend(str(tmp_path))
    with stand_ins():
        assert importlib.import_module("timm").layers == 7
    sys.modules.pop("timm")


def test_the_program_of_an_example_imports_the_package() -> None:
    program = render("timm.models.layers.DropPath(0.5)(f32(2, 3))")
    assert "import timm.models.layers\n" in program.source
    assert program.is_module
    assert not render("timm.layers.to_2tuple(3)").is_module


def test_a_wrong_rule_for_a_package_is_noticed() -> None:
    wrong = Example("timm.layers.Mlp(3, norm_layer=nn.LayerNorm)(f32(2, 3))", "", 1)
    assert run_example(wrong, "rules.py").status is Status.REFUSED
    assert run_example(Example("timm.layers.Mlp(3, 4)(f32(2, 3))", "", 1), "rules.py").status is Status.AGREES


def test_every_package_has_rules() -> None:
    names = {name.partition(".")[0] for rule in load_book().rules() for name in rule.names}
    assert names >= PACKAGES
