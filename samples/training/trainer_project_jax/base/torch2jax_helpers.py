"""What PyTorch has and neither JAX nor Flax nor optax: used by the modules of this package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from flax import nnx


def load_checkpoint(path: str | Path) -> Any:
    """Reads what `save_checkpoint` has written; states come back as nested dictionaries, for `load_state`."""
    folder = Path(path).absolute()
    if folder.is_file():
        raise ValueError(f"{folder} is a file of PyTorch: `torch2jax weights` makes a checkpoint for Flax of it")
    with ocp.PyTreeCheckpointer() as checkpointer:
        return checkpointer.restore(folder)


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


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))


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
