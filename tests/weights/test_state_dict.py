"""Weights cross from torch modules to their flax twins and back, by outputs and by value."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch
from flax import nnx
from torch import nn

from torch2jax.weights import StateDictError, load_state_dict, to_state_dict


class Buffer(nnx.Variable):
    pass


class TorchConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, (3, 5)), nn.BatchNorm2d(8), nn.ReLU())
        self.mix = nn.Conv1d(8, 6, 3)
        self.up = nn.ConvTranspose2d(8, 8, (2, 3))
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = self.up(self.stem(x))
        return self.head(self.mix(x.mean(3)).mean(2))


class FlaxConvNet(nnx.Module):
    def __init__(self, rngs):
        self.stem = nnx.Sequential(
            nnx.Conv(3, 8, (3, 5), padding="VALID", rngs=rngs), nnx.BatchNorm(8, rngs=rngs), nnx.relu
        )
        self.mix = nnx.Conv(8, 6, 3, padding="VALID", rngs=rngs)
        self.up = nnx.ConvTranspose(8, 8, (2, 3), padding="VALID", transpose_kernel=True, rngs=rngs)
        self.head = nnx.Linear(6, 4, rngs=rngs)

    def __call__(self, x):
        x = self.up(self.stem(x))
        return self.head(self.mix(x.mean(2)).mean(1))


def _randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return model.eval()


def test_a_network_of_stock_layers_computes_the_same_and_comes_back_unchanged():
    original = _randomised(TorchConvNet())
    twin = FlaxConvNet(nnx.Rngs(0))
    load_state_dict(twin, original.state_dict())
    twin.eval()
    x = torch.rand(2, 3, 7, 9)
    expected = original(x).detach().numpy()
    np.testing.assert_allclose(twin(jnp.asarray(x.numpy()).transpose(0, 2, 3, 1)), expected, rtol=2e-5)
    back = to_state_dict(twin)
    state = {k: v for k, v in original.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert list(back) == list(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(back[name], tensor.numpy())


def test_torch_loads_what_was_written():
    twin = FlaxConvNet(nnx.Rngs(3))
    model = TorchConvNet()
    model.load_state_dict({k: torch.tensor(v) for k, v in to_state_dict(twin).items()})
    np.testing.assert_array_equal(
        model.stem[0].weight.detach().numpy(), twin.stem.layers[0].kernel[...].transpose(3, 2, 0, 1)
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_rank_of_a_kernel_decides_its_axes(rank):
    cls = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[rank]
    size = (2, 3, 5)[:rank]
    torch_layer = cls(4, 6, size)
    twin = nnx.Conv(4, 6, size, rngs=nnx.Rngs(0))
    load_state_dict(twin, torch_layer.state_dict())
    expected = np.moveaxis(torch_layer.weight.detach().numpy(), (0, 1), (-1, -2))
    np.testing.assert_array_equal(twin.kernel[...], expected)


class Holder(nnx.Module):
    """Children in every container, arrays of its own, and what no state dict mentions."""

    def __init__(self, rngs):
        self.blocks = nnx.List([nnx.Linear(2, 3, rngs=rngs), nnx.relu, nnx.Linear(3, 2, rngs=rngs)])
        self.named = nnx.Dict(query=nnx.Linear(2, 2, rngs=rngs), norm=nnx.LayerNorm(2, rngs=rngs))
        self.scale = nnx.Param(jnp.ones((2, 3)))
        self.table = Buffer(jnp.zeros(4))
        self.mask = Buffer(jnp.zeros(4), persistent=False)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)
        self.nothing = nnx.data(None)


def test_containers_parameters_and_buffers_keep_their_names():
    state = to_state_dict(Holder(nnx.Rngs(0)))
    assert {name: array.shape for name, array in state.items()} == {
        "blocks.0.weight": (3, 2),
        "blocks.0.bias": (3,),
        "blocks.2.weight": (2, 3),
        "blocks.2.bias": (2,),
        "named.query.weight": (2, 2),
        "named.query.bias": (2,),
        "named.norm.weight": (2,),
        "named.norm.bias": (2,),
        "scale": (2, 3),
        "table": (4,),
    }


def test_children_of_a_sequential_match_in_order_of_appearance():
    def build(rngs):
        flatten = lambda x: x.reshape(len(x), -1)  # noqa: E731
        return nnx.Sequential(flatten, nnx.Linear(2, 3, rngs=rngs), nnx.relu, nnx.Linear(3, 4, rngs=rngs))

    model = nn.Sequential()
    model.add_module("first", nn.Linear(2, 3))
    model.add_module("act", nn.ReLU())
    model.add_module("second", nn.Linear(3, 4))
    twin = build(nnx.Rngs(0))
    load_state_dict(twin, model.state_dict())
    np.testing.assert_array_equal(twin.layers[3].kernel[...], model.second.weight.detach().numpy().T)
    assert list(to_state_dict(twin, like=model.state_dict())) == list(model.state_dict())
    assert list(to_state_dict(twin)) == ["1.weight", "1.bias", "3.weight", "3.bias"]


class SubclassedLinear(nnx.Linear):
    def __init__(self, features, *, rngs):
        super().__init__(features, features, use_bias=False, rngs=rngs)
        self.gain = nnx.Param(jnp.ones(features))


class SubclassedSequential(nnx.Sequential):
    def __init__(self, *, rngs):
        super().__init__(nnx.Linear(2, 3, rngs=rngs), nnx.relu)
        self.extra = nnx.Param(jnp.ones(5))


def test_subclasses_follow_their_base_and_keep_their_own_arrays():
    assert {k: v.shape for k, v in to_state_dict(SubclassedLinear(3, rngs=nnx.Rngs(0))).items()} == {
        "weight": (3, 3),
        "gain": (3,),
    }
    assert list(to_state_dict(SubclassedSequential(rngs=nnx.Rngs(0)))) == ["0.weight", "0.bias", "extra"]


class TorchTied(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(7, 3)
        self.lm_head = nn.Linear(3, 7, bias=False)
        self.lm_head.weight = self.wte.weight


class FlaxAttend(nnx.Module):
    def __init__(self, rngs):
        self.wte = nnx.Embed(7, 3, rngs=rngs)


class FlaxShared(nnx.Module):
    def __init__(self, rngs):
        self.weight = nnx.Param(jnp.zeros((7, 3)))
        self.again = self.weight


def test_a_tied_head_needs_no_place_of_its_own():
    state = TorchTied().state_dict()
    twin = FlaxAttend(nnx.Rngs(0))
    load_state_dict(twin, state)
    np.testing.assert_array_equal(twin.wte.embedding[...], state["wte.weight"].numpy())
    load_state_dict(twin, {name: tensor.numpy().copy() for name, tensor in state.items()})
    untied = {**state, "lm_head.weight": state["wte.weight"] + 1}
    with pytest.raises(StateDictError, match=r"unexpected: lm_head\.weight"):
        load_state_dict(twin, untied)


def test_equal_constants_are_not_taken_for_tied():
    twin = FlaxAttend(nnx.Rngs(0))
    state = {"wte.weight": np.zeros((7, 3), np.float32), "other.weight": np.zeros((7, 3), np.float32)}
    with pytest.raises(StateDictError, match=r"unexpected: other\.weight"):
        load_state_dict(twin, state)


def test_one_variable_under_two_names_takes_one_value():
    twin = FlaxShared(nnx.Rngs(0))
    value = np.arange(21, dtype=np.float32).reshape(7, 3)
    load_state_dict(twin, {"weight": value})
    np.testing.assert_array_equal(twin.again[...], value)
    with pytest.raises(StateDictError, match="again and weight are one array"):
        load_state_dict(twin, {"weight": value, "again": value + 1})


def test_every_problem_is_named_and_nothing_changes():
    twin = nnx.Sequential(nnx.Linear(2, 3, rngs=nnx.Rngs(0)), nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    before = to_state_dict(twin)
    state = {"0.weight": np.ones((3, 2)), "0.bias": np.ones(4), "1.weight": np.ones((2, 3)), "9.bias": np.ones(2)}
    with pytest.raises(StateDictError) as caught:
        load_state_dict(twin, state)
    assert caught.value.missing == ("1.bias (for layers.1.bias)",)
    assert caught.value.unexpected == ("9.bias",)
    assert caught.value.mismatched == ("0.bias has shape (4,), and layers.0.bias of shape (3,) needs (3,)",)
    for name, array in to_state_dict(twin).items():
        np.testing.assert_array_equal(array, before[name])


def test_without_strict_what_fits_is_loaded_and_shapes_still_count():
    twin = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    load_state_dict(twin, {"bias": np.full(3, 7.0), "other": np.ones(1)}, strict=False)
    np.testing.assert_array_equal(twin.bias[...], np.full(3, 7.0))
    with pytest.raises(StateDictError, match=r"weight has shape \(2, 3\)"):
        load_state_dict(twin, {"weight": np.ones((2, 3))}, strict=False)


def test_a_data_parallel_checkpoint_is_recognised():
    twin = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    with pytest.raises(StateDictError, match=r"nn\.DataParallel"):
        load_state_dict(twin, {"module.weight": np.ones((3, 2)), "module.bias": np.ones(3)})


def test_dtypes_of_the_module_are_kept_and_bfloat16_crosses_exactly():
    source = nn.Linear(2, 3).to(torch.bfloat16)
    twin = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    load_state_dict(twin, source.state_dict())
    assert twin.kernel.dtype == jnp.float32
    np.testing.assert_array_equal(twin.kernel[...], source.weight.detach().float().numpy().T)
    half = nnx.Linear(2, 3, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    load_state_dict(half, source.state_dict())
    assert half.kernel.dtype == jnp.bfloat16
    assert to_state_dict(half)["weight"].dtype == ml_dtypes.bfloat16


def test_an_abstract_module_is_filled():
    twin = nnx.eval_shape(lambda: nnx.Linear(2, 3, rngs=nnx.Rngs(0)))
    load_state_dict(twin, nn.Linear(2, 3).state_dict())
    assert isinstance(twin.kernel.get_value(), jax.Array)


def test_no_memory_is_shared_with_torch():
    source = torch.nn.Linear(64, 64)
    twin = nnx.Linear(64, 64, rngs=nnx.Rngs(0))
    load_state_dict(twin, source.state_dict())
    before = {name: value.copy() for name, value in to_state_dict(twin).items()}
    with torch.no_grad():
        source.weight.zero_()
        source.bias.zero_()
    for value in to_state_dict(twin).values():
        torch.from_numpy(value).zero_()
    for name, value in to_state_dict(twin).items():
        np.testing.assert_array_equal(value, before[name])
