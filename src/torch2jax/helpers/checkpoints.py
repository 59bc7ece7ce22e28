"""Saving and loading the state of modules and optimizers, in folders that Orbax writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jax
import numpy as np
import orbax.checkpoint as ocp
from flax import nnx


def save_checkpoint(tree: Any, path: str | Path) -> None:
    """Writes states, arrays, numbers and strings in dictionaries and lists to a folder, in place of one there."""
    pure = jax.tree.map(
        lambda leaf: nnx.to_pure_dict(leaf) if isinstance(leaf, nnx.State) else leaf,
        tree,
        is_leaf=lambda leaf: isinstance(leaf, nnx.State),
    )
    arrays = jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, pure)
    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(Path(path).absolute(), arrays, force=True)


def load_checkpoint(path: str | Path) -> Any:
    """Reads what `save_checkpoint` has written; states come back as nested dictionaries, for `load_state`."""
    folder = Path(path).absolute()
    if folder.is_file():
        raise ValueError(f"{folder} is a file of PyTorch: `torch2jax weights` makes a checkpoint for Flax of it")
    with ocp.PyTreeCheckpointer() as checkpointer:
        return checkpointer.restore(folder)


def load_pretrained(url: str, folder: str | Path | None = None) -> Any:
    """Reads the checkpoint that `torch2jax weights` has made of a downloaded file of PyTorch.

    It has the name of the file without its ending, and lies in ``folder``, by default where PyTorch keeps downloads
    (`~/.cache/torch/hub/checkpoints`). Raises FileNotFoundError if it does not.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{caches}/torch"
    path = Path(folder or f"{home}/hub/checkpoints", Path(urlsplit(url).path).stem).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"download {url}, and make {path} of it with `torch2jax weights`")
    return load_checkpoint(path)


def load_state(node: Any, state: Any) -> None:
    """Gives a module or an optimizer the values of a state of its kind: one of `nnx.state`, or one that was loaded.

    Raises ValueError where one of them has what the other lacks.
    """
    current = nnx.state(node, nnx.Not(nnx.RngState))
    given = nnx.to_pure_dict(state) if isinstance(state, nnx.State) else nnx.restore_int_paths(state)
    paths = [
        {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(tree)}
        for tree in (given, nnx.to_pure_dict(current))
    ]
    if paths[0] != paths[1]:
        raise ValueError(f"only one of the states has {sorted(paths[0] ^ paths[1])}")
    nnx.replace_by_pure_dict(current, given)
    nnx.update(node, current)
