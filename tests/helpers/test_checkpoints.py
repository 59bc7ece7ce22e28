"""Checkpoints come back as they were saved, and go into modules and optimizers of their kind only."""

import copy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from torch2jax.helpers.checkpoints import load_checkpoint, load_pretrained, load_state, save_checkpoint


class Net(nnx.Module):
    def __init__(self, features: int, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(3, features, rngs=rngs), nnx.BatchNorm(features, rngs=rngs)])
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers:
            x = layer(x)
        return self.drop(x)


def trained(seed: int, steps: int) -> tuple[Net, nnx.Optimizer]:
    net = Net(2, nnx.Rngs(seed))
    optimizer = nnx.Optimizer(net, optax.adam(0.1), wrt=nnx.Param)
    for _ in range(steps):
        optimizer.update(net, nnx.grad(lambda net: net(jnp.ones((4, 3))).sum())(net))
    return net, optimizer


def state(node: object) -> nnx.State:
    return nnx.state(node, nnx.Not(nnx.RngState))


def leaves(node: object) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state(node))]


def test_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    net, optimizer = trained(0, 3)
    tree = {
        "model": state(net),
        "optimizer": state(optimizer),
        "epoch": 3,
        "best": 0.5,
        "name": "a",
        "losses": [1.0, 2],
    }
    save_checkpoint(tree, tmp_path / "model.pt")
    save_checkpoint(tree, tmp_path / "model.pt")
    found = load_checkpoint(tmp_path / "model.pt")
    assert {name: found[name] for name in ("epoch", "best", "name", "losses")} == {
        name: tree[name] for name in ("epoch", "best", "name", "losses")
    }
    other, other_optimizer = trained(1, 1)
    load_state(other, found["model"])
    load_state(other_optimizer, found["optimizer"])
    for node, twin in ((net, other), (optimizer, other_optimizer)):
        for expected, value in zip(leaves(node), leaves(twin), strict=True):
            np.testing.assert_array_equal(expected, value)


def test_a_copy_is_put_back_and_a_state_follows_its_module() -> None:
    net, _ = trained(0, 1)
    kept, live = copy.deepcopy(state(net)), state(net)
    net.layers[0].kernel[...] += 1
    np.testing.assert_array_equal(live["layers"][0]["kernel"][...], net.layers[0].kernel[...])
    load_state(net, kept)
    np.testing.assert_array_equal(kept["layers"][0]["kernel"][...], net.layers[0].kernel[...])


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    net, optimizer = trained(0, 1)
    with pytest.raises(ValueError, match="only one of the states has"):
        load_state(net, state(optimizer))
    file = tmp_path / "weights.pt"
    file.write_bytes(b"PK")
    with pytest.raises(ValueError, match="torch2jax weights"):
        load_checkpoint(file)


def test_pretrained_weights_lie_beside_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://example.org/models/net-1.2.pth?raw=true"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"net-1\.2 of it with `torch2jax weights`"):
        load_pretrained(url)
    save_checkpoint({"a": 3}, tmp_path / "hub" / "checkpoints" / "net-1.2")
    assert load_pretrained(url) == {"a": 3}
    save_checkpoint({"a": 4}, tmp_path / "here" / "net-1.2")
    assert load_pretrained(url, tmp_path / "here") == {"a": 4}


def test_where_pytorch_keeps_downloads_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.delenv("TORCH_HOME", raising=False)
    for name, value in (("XDG_CACHE_HOME", str(tmp_path / "cache")), ("HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
        with pytest.raises(FileNotFoundError, match=f"make {torch.hub.get_dir()}/checkpoints/net of it"):
            load_pretrained("https://example.org/net.pth")
        monkeypatch.delenv(name)
