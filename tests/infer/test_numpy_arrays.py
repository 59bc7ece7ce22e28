"""Arrays of NumPy that are changed in place are copies of what JAX gives, which is read-only."""

from textwrap import dedent
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax import convert

HEAD = "import numpy as np\nimport torch\n\n\ndef f(x: torch.Tensor):\n"
CHANGES = {
    "augmented": "a = (x * 2).numpy()\na *= 255\nreturn a",
    "an item": "a = (x * 2).cpu().numpy()\na[0] = 5\nreturn a",
    "a mask": "a = (x * 2).detach().numpy()\na[a > 1] = 1\nreturn a",
    "an item of a view": "a = (x * 2).numpy().reshape(-1).T\na[1:][0] += 1\nreturn a",
    "a name of a view": "a = (x * 2).numpy()\nb = np.squeeze(a)[0]\nb -= 1\nreturn a",
    "a method": "a = (x * 2).numpy()\na.sort()\nreturn a",
    "a function": "a = (x * 2).numpy()\nnp.fill_diagonal(a, 7)\nreturn a",
    "out": "a = (x * 2).numpy()\nnp.clip(a, 0, 1, out=a)\nreturn a",
    "either": "a = (x * 2).numpy() if x.shape[0] > 1 else (x * 3).numpy()\na += 1\nreturn a",
    "in a loop": "b = []\nfor i in range(2):\n    a = (x * i).numpy()\n    a -= a.min()\n    b.append(a)\nreturn b",
}
KEPT = {
    "read only": "a = (x * 2).numpy()\nreturn a + 1",
    "a new array": "a = (x * 2).numpy()\nb = a + 1\nb *= 2\nreturn b",
    "a copy": "a = (x * 2).numpy().astype(np.float32)\na *= 2\nreturn a",
}


def run(source: str, x: Any) -> Any:
    space: dict[str, Any] = {}
    exec(source, space)
    return space["f"](x)


def program(body: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in body.split("\n"))


@pytest.mark.parametrize("body", CHANGES.values(), ids=CHANGES.keys())
def test_an_array_that_changes_is_a_copy(body: str) -> None:
    values = np.array([[0.5, -2.0, 3.0], [1.0, 0.25, -1.0]], np.float32)
    conversion = convert(program(body))
    assert not conversion.diagnostics
    assert ".copy()" in conversion.code
    np.testing.assert_array_equal(
        run(conversion.code, jnp.asarray(values)), run(program(body), torch.from_numpy(values.copy()))
    )


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT.keys())
def test_an_array_that_does_not_change_is_none(body: str) -> None:
    assert ".copy()" not in convert(program(body)).code


def test_an_array_that_a_function_gives() -> None:
    source = dedent(
        """
        import torch


        def to_numpy(t):
            return t.detach().cpu().numpy()


        def f(x: torch.Tensor):
            y = to_numpy(x * 2)
            y[y < 0] = 0
            return y
        """
    )
    conversion = convert(source)
    assert not conversion.diagnostics
    values = np.array([0.5, -2.0], np.float32)
    np.testing.assert_array_equal(run(conversion.code, jnp.asarray(values)), [1.0, 0.0])


def test_the_tensor_that_shares_the_memory_is_out_of_date() -> None:
    conversion = convert(program("a = x.numpy()\na[0] = 5\nreturn x.sum(), a"))
    assert [(d.code, d.line) for d in conversion.diagnostics if d.code == "T2J105"] == [("T2J105", 8)]
    conversion = convert(program("a = x.numpy()\na[0] = 5\nreturn a"))
    assert [d.code for d in conversion.diagnostics] == ["T2J201"]


def test_what_a_model_gives_is_its_own() -> None:
    source = "def f(model, x):\n    a = model(x).cpu().numpy()\n    a *= 2\n    return x.sum(), a\n"
    conversion = convert(f"import torch\n{source}")
    assert not conversion.diagnostics
