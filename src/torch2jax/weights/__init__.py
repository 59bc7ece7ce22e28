"""PyTorch state dicts to and from the state of a Flax NNX module."""

from torch2jax.weights.state_dict import StateDictError, load_state_dict, to_state_dict

__all__ = ["StateDictError", "load_state_dict", "to_state_dict"]
