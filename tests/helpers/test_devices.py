"""What devices are asked for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from torch2jax.helpers import devices


@pytest.mark.parametrize("held", [True, False])
def test_synchronize_waits_for_what_was_begun(held: bool) -> None:
    seen = []

    @jax.jit
    def slow(x: jax.Array) -> jax.Array:
        y = jax.lax.fori_loop(0, 40, lambda _, y: jnp.tanh(y @ y), x)
        jax.debug.callback(lambda _: seen.append(1), y[0, 0])
        return y

    x = jnp.full((300, 300), 1e-3)
    jax.block_until_ready(slow(x))
    jax.effects_barrier()
    seen.clear()
    result = slow(x)
    if not held:
        del result
    devices.synchronize()
    if held:
        assert result.is_ready()
    jax.effects_barrier()
    assert seen == [1]


def test_synchronize_may_stand_in_compiled_code() -> None:
    @jax.jit
    def compiled(x: jax.Array) -> jax.Array:
        devices.synchronize()
        return x + 1

    assert compiled(jnp.ones(3)).sum() == 6


def test_memory_that_a_device_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        def __init__(self, found: dict[str, int] | None) -> None:
            self.found = found

        def memory_stats(self) -> dict[str, int] | None:
            return self.found

    monkeypatch.setattr(jax, "local_devices", lambda: [Device({"bytes_in_use": 12})])
    assert devices.memory_statistic("bytes_in_use") == 12
    assert devices.memory_statistic("peak_bytes_in_use") == 0
    monkeypatch.setattr(jax, "local_devices", lambda: [Device(None)])
    assert devices.memory_statistic("bytes_in_use") == 0


def test_what_the_gpu_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gpu:
        device_kind, compute_capability, core_count = "NVIDIA H100", "9.0", 132

        def memory_stats(self) -> dict[str, int]:
            return {"bytes_limit": 7}

    monkeypatch.setattr(jax, "devices", lambda kind: [Gpu()] if kind == "gpu" else [])
    assert devices.gpu_properties() == devices.GpuProperties("NVIDIA H100", 9, 0, 132, 7)


def test_without_a_gpu_there_are_no_properties() -> None:
    with pytest.raises(RuntimeError, match="gpu"):
        devices.gpu_properties()
