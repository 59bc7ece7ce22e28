"""Weight and spectral normalisation of layers."""

from torch2jax.rulebook import *


@rule("torch.nn.utils.weight_norm", "torch.nn.utils.weight_norm.weight_norm")
def weight_norm(module, name="weight", dim=0) -> Module:
    """A layer whose weight is a direction times a length.

    >>> nn.Sequential(nn.utils.weight_norm(nn.Conv1d(3, 4, 2)))(f32(2, 3, 6))
    >>> nn.Sequential(nn.utils.weight_norm(nn.Conv2d(3, 4, 2, bias=False)), nn.ReLU())(f32(2, 3, 5, 6))
    >>> nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 4), name="weight", dim=None))(f32(2, 3))
    >>> nn.Sequential(nn.utils.weight_norm(nn.GRUCell(3, 4), name="weight_hh"))(f32(5, 3))
    """
    if name != "weight":
        raise Unsupported("weight normalisation of other parameters than `weight`", "compute the weight in forward")
    return helpers.WeightNorm(module, axis=dim)


@rule("torch.nn.utils.spectral_norm", "torch.nn.utils.spectral_norm.spectral_norm")
def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None) -> Module:
    """A layer whose weight is divided by its largest singular value.

    >>> nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 4, 2)))(f32(2, 3, 5, 6))
    >>> nn.Sequential(nn.utils.spectral_norm(nn.ConvTranspose2d(3, 4, 2)))(f32(2, 3, 5, 6))
    >>> nn.Sequential(nn.utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=2, eps=1e-6))(f32(2, 3))
    >>> nn.Sequential(nn.utils.spectral_norm(nn.Conv1d(3, 4, 2), dim=1))(f32(2, 3, 6))
    >>> nn.Sequential(nn.utils.spectral_norm(nn.GRUCell(3, 4), name="weight_hh"))(f32(5, 3))
    """
    if name != "weight":
        raise Unsupported("spectral normalisation of other parameters than `weight`", "compute the weight in forward")
    return helpers.SpectralNorm(module, n_power_iterations=n_power_iterations, epsilon=eps, axis=dim, rngs=rngs)


@rule("torch.nn.utils.remove_weight_norm")
def remove_weight_norm(module, name="weight") -> Module:
    """The layer with a plain weight again.

    >>> nn.Sequential(nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(3, 4))))(f32(2, 3))
    >>> nn.Sequential(nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Conv1d(3, 4, 2))))(f32(2, 3, 6))
    >>> layer = nn.utils.weight_norm(nn.GRUCell(3, 4), name="weight_hh")
    >>> nn.Sequential(nn.utils.remove_weight_norm(layer, "weight_hh"))(f32(5, 3))
    """
    if name != "weight":
        raise Unsupported("weight normalisation of other parameters than `weight`", "compute the weight in forward")
    return helpers.unnormalize_weight(module)


@rule("torch.nn.utils.remove_spectral_norm")
def remove_spectral_norm(module, name="weight") -> Module:
    """The layer with a plain weight again.

    >>> nn.Sequential(nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(3, 4))))(f32(2, 3))
    """
    raise Unsupported("removing a normalisation from a layer", "leave it out: the layer computes the same")


@rule("torch.nn.utils.parametrizations.weight_norm")
def parametrized_weight_norm(module, name="weight", dim=0) -> Module:
    """A layer whose weight is a direction times a length.

    >>> nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 2)))(f32(2, 3, 6))
    >>> nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 2, bias=False)), nn.ReLU())(f32(2, 3, 5, 6))
    >>> nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4), name="weight", dim=None))(f32(2, 3))
    >>> nn.Sequential(nn.utils.parametrizations.weight_norm(nn.GRUCell(3, 4), name="weight_hh"))(f32(5, 3))
    """
    if name != "weight":
        raise Unsupported("weight normalisation of other parameters than `weight`", "compute the weight in forward")
    return helpers.ParametrizedWeightNorm(module, axis=dim)


@parametrized_weight_norm.state
def _(torch, flax):
    flax.weight_g = torch.parametrizations.weight.original0
    flax.weight_v = torch.parametrizations.weight.original1
    flax.bias = torch.bias


@rule("torch.nn.utils.parametrizations.spectral_norm")
def parametrized_spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None) -> Module:
    """A layer whose weight is divided by its largest singular value.

    >>> nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 2)))(f32(2, 3, 5, 6))
    >>> nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.ConvTranspose2d(3, 4, 2)))(f32(2, 3, 5, 6))
    >>> nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4), n_power_iterations=2))(f32(2, 3))
    >>> nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4), eps=3.0))(f32(2, 3))
    >>> nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv1d(3, 4, 2), dim=1))(f32(2, 3, 6))
    >>> nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.GRUCell(3, 4), name="weight_hh"))(f32(5, 3))
    """
    if name != "weight":
        raise Unsupported("spectral normalisation of other parameters than `weight`", "compute the weight in forward")
    return helpers.ParametrizedSpectralNorm(
        module, n_power_iterations=n_power_iterations, epsilon=eps, axis=dim, rngs=rngs
    )


@parametrized_spectral_norm.state
def _(torch, flax):
    flax.weight_orig = torch.parametrizations.weight.original
    flax.weight_u = torch.parametrizations.weight[0]._u
    flax.weight_v = torch.parametrizations.weight[0]._v
    flax.bias = torch.bias


@rule("torch.nn.utils.parametrizations.orthogonal")
def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True) -> Module:
    """A layer whose weight is orthogonal.

    >>> nn.Sequential(nn.utils.parametrizations.orthogonal(nn.Linear(3, 4)))(f32(2, 3))
    """
    raise Unsupported("orthogonal parametrization of a layer", "compute the weight in forward")


@rule("torch.nn.utils.parametrize.register_parametrization")
def register_parametrization(module, tensor_name, parametrization, *, unsafe=False) -> Module:
    """A layer whose tensor is computed from another one.

    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 4), "weight", nn.Identity())
    >>> nn.Sequential(layer)(f32(2, 3))
    """
    raise Unsupported("parametrizations of layers", "compute the weight in forward")
