"""Rules broken on purpose: what is changed, and how it is said."""

from pathlib import Path
from textwrap import dedent

from torch2jax.rules.grammar import parse_file
from torch2jax.rules.mutants import mutants


def changes(tmp_path: Path, rule: str) -> list[str]:
    path = tmp_path / "rule.py"
    path.write_text("from torch2jax.rulebook import *\n\n\n" + dedent(rule))
    (parsed,) = parse_file(path)
    return [mutant.change for mutant in mutants(parsed)]


def test_each_part_of_a_function_is_changed(tmp_path: Path) -> None:
    found = changes(
        tmp_path,
        '''
        @rule("torch.f")
        def f(x: Tensor, y: Tensor, dim=-1, *, flag: bool = False) -> Tensor:
            """F."""
            if flag and dim == 0:
                return jnp.max(x, axis=dim).astype(int)
            return jnp.where(x > 0, y, 2.5) - y
        ''',
    )
    assert found == [
        "the cast jnp.max(x, axis=dim).astype(int) dropped",
        "axis=dim of jnp.max dropped",
        "jnp.max -> jnp.min in jnp.max(x, axis=dim)",
        "if flag and dim == 0: is always taken",
        "in the guard, flag left out",
        "in the guard, dim == 0 left out",
        "jnp.where(x > 0, y, 2.5) - y -> jnp.where(x > 0, y, 2.5) + y",
        "x > 0 and y of jnp.where exchanged",
        "y and 2.5 of jnp.where exchanged",
        "x > 0 -> x >= 0",
        "0 -> 1 in x > 0",
        "2.5 -> 5.0 in jnp.where(x > 0, y, 2.5)",
        "default of flag False -> True",
    ]


def test_guards_are_turned_around(tmp_path: Path) -> None:
    rule = """
        @rule("torch.f")
        def f(x: Tensor, y=1) -> Tensor:
            if {}:
                return jnp.exp(x)
            return jnp.log(x)
        """
    assert "in the guard, y == 2 -> y != 2" in changes(tmp_path, rule.format("y == 2"))
    assert "in the guard, isinstance(y, int) -> not isinstance(y, int)" in changes(
        tmp_path, rule.format("isinstance(y, int)")
    )
    assert "in the guard, y > 2 -> y >= 2" in changes(tmp_path, rule.format("y is not None and y > 2"))


def test_weights_layouts_and_attributes_are_changed(tmp_path: Path) -> None:
    found = changes(
        tmp_path,
        '''
        @rule("torch.nn.L", layout="N C H W -> N H W C")
        def L(size, bias=True, device: Device = None) -> Module:
            """L."""
            return nnx.Conv(size, size, (1, 1), use_bias=bias, rngs=rngs)


        @L.state
        def _(torch, flax):
            flax.kernel = torch.weight.transpose(2, 3, 1, 0)
            flax.bias = torch.bias


        @L.attributes
        def _(torch, flax):
            torch.size: int = flax.in_features - 1
        ''',
    )
    for change in (
        "layout N H W C -> N W H C",
        "layout N H W C -> N C H W",
        "flax.kernel not transposed",
        "flax.kernel transposed by (3, 2, 1, 0)",
        "flax.kernel and flax.bias exchanged",
        "attribute size: flax.in_features - 1 -> flax.in_features + 1",
        "default of bias True -> False",
        "rngs=rngs of nnx.Conv dropped",
    ):
        assert change in found
    assert not [change for change in found if "device" in change]


def test_equal_texts_are_told_apart(tmp_path: Path) -> None:
    found = changes(
        tmp_path,
        '''
        @rule("torch.f")
        def f(x: Tensor) -> Tensor:
            """F."""
            return jnp.exp(x) + jnp.square(jnp.exp(x))
        ''',
    )
    assert len(found) == len(set(found)) == 3
