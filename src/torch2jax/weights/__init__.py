"""PyTorch state dicts to and from the state of a Flax NNX module."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch2jax.weights.state_dict import StateDictError, load_state_dict, to_state_dict

__all__ = ["StateDictError", "load_state_dict", "to_state_dict"]


def __getattr__(name: str) -> object:
    """Load a public name on first use: who only needs arrays of NumPy waits for no framework."""
    if name not in __all__:
        raise AttributeError(f"module 'torch2jax.weights' has no attribute {name!r}")
    from torch2jax.weights import state_dict

    value: object = getattr(state_dict, name)
    globals()[name] = value
    return value
