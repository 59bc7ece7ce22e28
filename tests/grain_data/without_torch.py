"""Run translated programs in a process in which torch can't be imported: `python without_torch.py FOLDER`.

FOLDER holds for each program NAME.py with a class `Net` and a function `run`, and NAME.npz with the weights.
"""

import pickle
import runpy
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import numpy as np


class NoTorch(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} is not to be imported here")


def main(folder: Path) -> None:
    sys.meta_path.insert(0, NoTorch())
    import jax
    from flax import nnx

    from torch2jax import load_state_dict

    jax.config.update("jax_enable_x64", True)
    results = {}
    for path in sorted(folder.glob("*.py")):
        space = runpy.run_path(str(path))
        if "Net" not in space:
            results[path.stem] = space["run"]()
            continue
        model = space["Net"](rngs=nnx.Rngs(0))
        nnx.update(model, jax.tree.map(lambda value: value.astype("float64"), nnx.state(model, nnx.Param)))
        load_state_dict(model, dict(np.load(path.with_suffix(".npz"))))
        results[path.stem] = jax.tree.map(
            lambda leaf: leaf if isinstance(leaf, str) else np.asarray(leaf), space["run"](model)
        )
    (folder / "results.pickle").write_bytes(pickle.dumps(results))


main(Path(sys.argv[1]))
