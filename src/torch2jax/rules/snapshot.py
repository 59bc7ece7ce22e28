"""Write `snapshot.json`: names, parameters and literal defaults of the jax, flax and optax functions.

Run `python -m torch2jax.rules.snapshot` after an upgrade of these libraries; a test compares the file with them.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from torch2jax.rules.signatures import SNAPSHOT

# Template spelling -> module. `Array` stands for the methods of jax.Array.
NAMESPACES: Final = {
    "jax": "jax",
    "jax.distributed": "jax.distributed",
    "jax.nn": "jax.nn",
    "jax.nn.initializers": "jax.nn.initializers",
    "jax.random": "jax.random",
    "jax.image": "jax.image",
    "jax.tree": "jax.tree",
    "jax.scipy": "jax.scipy",
    "jax.scipy.linalg": "jax.scipy.linalg",
    "jax.scipy.signal": "jax.scipy.signal",
    "jax.scipy.special": "jax.scipy.special",
    "jax.scipy.stats": "jax.scipy.stats",
    "jax.ops": "jax.ops",
    "jnp": "jax.numpy",
    "jnp.fft": "jax.numpy.fft",
    "jnp.linalg": "jax.numpy.linalg",
    "lax": "jax.lax",
    "lax.linalg": "jax.lax.linalg",
    "nnx": "flax.nnx",
    "nnx.initializers": "flax.nnx.nn.initializers",
    "optax": "optax",
    "optax.losses": "optax.losses",
    "math": "math",
}
_SUBMODULES: Final = frozenset({"debug", "dtypes", "errors", "lax", "numpy", "profiler", "sharding", "tree_util"})


def take() -> dict[str, Any]:
    """The snapshot of the installed libraries."""
    signatures: dict[str, Any] = {}
    namespaces: dict[str, str] = {}
    for short, name in NAMESPACES.items():
        module = importlib.import_module(name)
        members = [member for member in sorted(dir(module)) if _is_public(module, short, member)]
        namespaces[short] = " ".join(members)
        signatures.update(_of_module(short, module, members))
    signatures.update(_of_array())
    return {"namespaces": namespaces, "signatures": dict(sorted(signatures.items()))}


def _is_public(module: ModuleType, short: str, member: str) -> bool:
    """Which submodules are attributes depends on what else is imported: only known ones count."""
    known = f"{short}.{member}" in NAMESPACES or member in _SUBMODULES
    return not member.startswith("_") and (known or not isinstance(getattr(module, member), ModuleType))


def _of_module(short: str, module: ModuleType, members: list[str]) -> Iterator[tuple[str, Any]]:
    for member in members:
        found = getattr(module, member)
        if isinstance(found, ModuleType) or not callable(found):
            continue
        record = _record(found, skip=0)
        if record is not None:
            yield f"{short}.{member}", record


def _of_array() -> Iterator[tuple[str, Any]]:
    import jax

    for member in sorted(dir(jax.Array)):
        method = getattr(jax.Array, member)
        if not member.startswith("_") and callable(method):
            record = _record(method, skip=1)
            if record is not None:
                yield f"Array.{member}", record


def _record(function: object, skip: int) -> tuple[list[str], dict[str, Any], int | None, bool] | None:
    """Keyword names, literal defaults, the number of positional arguments (None: any), whether **kwargs are taken."""
    if inspect.isclass(function) and inspect.isfunction(function.__init__):  # the metaclass of nnx.Module hides it
        function, skip = function.__init__, 1
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    params = list(signature.parameters.values())[skip:]
    kinds = [param.kind for param in params]
    names = [param.name for param in params if param.kind in (param.POSITIONAL_OR_KEYWORD, param.KEYWORD_ONLY)]
    defaults = {
        param.name: param.default
        for param in params
        if param.name in names and param.default is not param.empty and _literal(param.default)
    }
    most = None
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        most = sum(
            kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds
        )
    return names, defaults, most, inspect.Parameter.VAR_KEYWORD in kinds


def _literal(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_literal(item) for item in value)
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)


def render(snapshot: dict[str, Any]) -> str:
    """The snapshot as JSON, one name a line."""
    parts = []
    for section, entries in snapshot.items():
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
        parts.append(f"{json.dumps(section)}: {{\n{lines}\n}}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(render(take()), encoding="utf-8")
