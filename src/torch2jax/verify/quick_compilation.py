"""Settings of XLA for programs that hardly run twice: compile quickly rather than well."""

import os
from importlib.metadata import version

_QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
# The older way to compile fused loops takes half as long. XLA ends a process for a flag that it does not know.
_OLD_EMITTERS = "--xla_cpu_use_fusion_emitters=false"
_KNOWN_IN = ("0.10.", "0.11.")


def compile_quickly() -> None:
    """Compile quickly here and in processes that start here, unless XLA_FLAGS is set; to call before JAX computes."""
    flags = f"{_QUICK} {_OLD_EMITTERS}" if version("jaxlib").startswith(_KNOWN_IN) else _QUICK
    os.environ.setdefault("XLA_FLAGS", flags)
