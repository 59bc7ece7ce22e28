"""Signatures of what templates call: the snapshot is that of the installed libraries, helpers are read from source."""

import json
from pathlib import Path

import pytest

from torch2jax.rules import snapshot
from torch2jax.rules.signatures import (
    HELPERS_DIR,
    SNAPSHOT,
    Signature,
    Signatures,
    compile_signatures,
    default_signatures,
    scan_helpers,
)


def test_the_snapshot_is_up_to_date() -> None:
    pytest.importorskip("flax")
    assert json.loads(snapshot.render(snapshot.take())) == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "keyword", "default"),
    [
        ("nnx.Linear", "use_bias", True), ("nnx.BatchNorm", "momentum", 0.99), ("jnp.concatenate", "axis", 0),
        ("jnp.sum", "keepdims", False), ("Array.sum", "axis", None), ("optax.adam", "b1", 0.9),
        ("jax.nn.gelu", "approximate", True), ("nnx.leaky_relu", "negative_slope", 0.01),
        ("lax.cumsum", "reverse", False), ("jax.numpy.linalg.norm", "ord", None),
        ("jax.nn.initializers.variance_scaling", "in_axis", -2),
        ("jax.lax.cumsum", "axis", 0),
    ],
)  # fmt: skip
def test_defaults_of_libraries(name: str, keyword: str, default: object) -> None:
    signature = default_signatures().of(name)
    assert signature is not None
    assert signature.is_default(keyword, default)
    assert not signature.is_default(keyword, "something else")


def test_is_default_tells_bools_from_numbers() -> None:
    signature = Signature(("a", "b", "c"), {"a": 1, "b": True, "c": (1, 2)}, 3)
    assert signature.is_default("a", 1.0)
    assert not signature.is_default("a", True)
    assert not signature.is_default("b", 1)
    assert signature.is_default("c", [1, 2])
    assert not signature.is_default("d", None)
    assert signature.accepts("a")
    assert not signature.accepts("d")
    assert Signature((), {}, None, any_keyword=True).accepts("d")


HELPERS = '''
import jax.numpy as jnp
from flax import nnx

LIMIT = 3
_PRIVATE: int = 4


def pool(x, /, size=2, *, ceil=False, dtype=jnp.float32):
    """Doc."""


def free(*xs, **options): ...


def _hidden(x): ...


class BatchNorm(nnx.BatchNorm):
    def __init__(self, features, momentum=0.9, *, rngs): ...


class Plain(nnx.Linear):
    """No constructor of its own."""


class Nested(Plain): ...


class Alone: ...
'''


@pytest.fixture
def helpers(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(HELPERS, encoding="utf-8")
    (tmp_path / "static.py").write_text("def sizes(n, k=1): ...\n", encoding="utf-8")
    return tmp_path


def test_helpers_are_read_from_their_source(helpers: Path) -> None:
    found = Signatures(compile_signatures(helpers))
    assert set(found.helpers) == {"LIMIT", "pool", "free", "BatchNorm", "Plain", "Nested", "Alone", "sizes"}
    assert found.static_helpers == {"sizes"}
    assert found.of("helpers.pool") == Signature(("size", "ceil", "dtype"), {"size": 2, "ceil": False}, 2)
    assert found.of("helpers.free") == Signature((), {}, None, any_keyword=True)
    assert found.of("helpers.BatchNorm") == Signature(("features", "momentum", "rngs"), {"momentum": 0.9}, 2)
    assert found.of("helpers.LIMIT") is None
    assert found.of("helpers.Alone") is None
    assert found.of("helpers.Nested") == found.of("nnx.Linear")
    assert found.of("helpers.Nested") is not None
    assert scan_helpers(helpers / "missing").records == {}


def test_names_that_a_library_does_not_have() -> None:
    found = default_signatures()
    assert found.missing("jnp.concatenates") == "`jnp` has no `concatenates`"
    assert found.missing("jax.nn.nothing") == "`jax.nn` has no `nothing`"
    assert found.missing("jax.numpy.nothing") == "`jax.numpy` has no `nothing`"
    for name in ("jnp.concatenate", "jnp", None, "np.anything", "jax.nn.relu", "jnp.float32", "jax.Array"):
        assert found.missing(name) == ""


def test_the_expanders_have_their_helpers() -> None:
    assert {"single", "pair", "triple"} <= set(default_signatures().helpers), HELPERS_DIR
