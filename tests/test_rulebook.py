"""The vocabulary that editors complete is the one that the grammar knows."""

import inspect
import subprocess
import sys
from pathlib import Path

from torch2jax import rulebook
from torch2jax.rules import grammar, templates

SOURCE = Path(rulebook.__file__).resolve().parents[1]


def test_every_word_of_the_grammar_is_in_the_vocabulary() -> None:
    words = set(rulebook.__all__)
    python = {"int", "float", "bool", "str", "None", "len", "isinstance"}
    assert words - python >= grammar.ANNOTATIONS - python
    assert words - python >= grammar.RESULTS - python
    assert words >= templates.ROOTS
    assert words >= set(templates.ENGINE) - python
    assert words >= {"rule", "attribute", "constant", "caveat", "Unsupported", "helpers", "in_axis", "out_axis"}
    assert not [word for word in words if not hasattr(rulebook, word)]


def test_the_decorators_take_the_options_of_the_grammar() -> None:
    assert set(inspect.signature(rulebook.rule).parameters) == {"names", *grammar.OPTIONS}
    assert set(inspect.signature(rulebook.attribute).parameters) <= {"names", *grammar.OPTIONS}


def test_the_vocabulary_does_nothing() -> None:
    @rulebook.rule("torch.nn.X", mode="along", view=True)
    def x(a: rulebook.Tensor, b: rulebook.Axis = 0) -> rulebook.Module:
        rulebook.caveat("text")
        return rulebook.pair(a)

    @x.state
    def _(torch: object, flax: object) -> None: ...

    @x.call
    def _(self: object) -> None: ...

    assert not callable(x)
    assert rulebook.Unsupported("a", "b").args == ("a", "b")


def test_the_vocabulary_needs_no_jax() -> None:
    code = "from torch2jax.rulebook import *; import sys; assert not {'jax', 'torch', 'flax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(SOURCE), "PATH": ""})
