"""Settings as static arguments of compiled code."""

import argparse
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from torch2jax.helpers.settings import static_settings


@dataclass
class Config:
    rate: float = 0.5
    mode: str = "mean"
    sizes: list[int] = field(default_factory=lambda: [1, 2])
    inner: Any = None

    def doubled(self) -> float:
        return 2 * self.rate


class Scaled:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.rate * x


def test_compiled_code_reads_settings_and_is_compiled_again_where_one_changed() -> None:
    traced = []

    @jax.jit
    def unwrapped(x: jax.Array) -> jax.Array:
        return x

    def scaled(x: jax.Array, cfg: Any) -> jax.Array:
        traced.append(cfg.rate)
        return x.mean() * cfg.doubled() if cfg.mode == "mean" else x.sum()

    step = jax.jit(scaled, static_argnames=("cfg",))
    config, x = Config(inner=SimpleNamespace(depth=1)), unwrapped(jnp.arange(4.0))
    assert step(x, static_settings(config)) == step(x, static_settings(Config(inner=SimpleNamespace(depth=1)))) == 1.5
    assert traced == [0.5]
    config.rate = 1.0
    assert step(x, static_settings(config)) == 3
    config.inner.depth = 2
    step(x, static_settings(config))
    config.sizes.append(3)
    step(x, static_settings(config))
    assert traced == [0.5, 1.0, 1.0, 1.0]


def test_dictionaries_namespaces_and_objects_that_are_called() -> None:
    table = static_settings({"a": 1, "b": [1, {"c": 2}]})
    assert (table["a"], "b" in table, list(table), len(table)) == (1, True, ["a", "b"], 2)
    assert table.get("z", 3) == 3
    assert static_settings(argparse.Namespace(a=1)) == static_settings(argparse.Namespace(a=1))
    assert static_settings({"a": 1}) != static_settings({"a": True})
    assert static_settings(Scaled(2.0))(jnp.ones(())) == 2
    assert static_settings(Scaled(2.0)) == static_settings(Scaled(2.0)) != static_settings(Scaled(3.0))


def test_what_holds_itself_has_an_end_and_arrays_are_no_settings() -> None:
    ring = SimpleNamespace(name="ring")
    ring.next = ring
    assert static_settings(ring) == static_settings(ring)
    with pytest.raises(TypeError, match="unhashable"):
        hash(static_settings({"a": jnp.ones(3)}))
