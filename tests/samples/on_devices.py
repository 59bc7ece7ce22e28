"""Train the translation of a script that uses several devices, in float64, and print the losses as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import jax
from flax import nnx

from torch2jax.verify.precision import float64, widen


def losses_of(script: Path) -> list[float]:
    """The losses of all steps; each batch must lie on all devices, and so must the model."""
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), space)
    replicate, train_step = space["replicate"], space["train_step"]
    losses: list[float] = []

    def replicate_wide(model: nnx.Module) -> nnx.Module:
        widen(model)
        return replicate(model)

    def recorded(model: nnx.Module, optimizer: nnx.Optimizer, images: jax.Array, labels: jax.Array) -> Any:
        shards = {shard.data.shape[0] for shard in images.addressable_shards}
        assert shards == {len(images) // jax.device_count()}
        assert model.fc.kernel[...].sharding.is_fully_replicated
        result = train_step(model, optimizer, images, labels)
        losses.append(result[0].item())
        return result

    space |= {"replicate": replicate_wide, "train_step": recorded}
    space["main"]()
    return losses


if __name__ == "__main__":
    with float64():
        found = losses_of(Path(sys.argv[1]))
    print(json.dumps({"devices": jax.device_count(), "losses": found}))
