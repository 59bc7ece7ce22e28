"""Parameters that are trained and parameters that are not."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from torch2jax.helpers.state import (
    Buffer,
    Frozen,
    buffers,
    children,
    copy_state,
    freeze,
    gradients_of,
    named_buffers,
    named_children,
    named_parameters,
    named_state,
    ordered_buffers,
    ordered_gradients,
    ordered_modules,
    ordered_named_buffers,
    ordered_named_gradients,
    ordered_named_modules,
    ordered_named_parameters,
    parameters,
    set_state,
    set_trainable,
    torch_gradients,
    torch_named_gradients,
    torch_named_parameters,
    torch_parameters,
    unfreeze,
)
from torch2jax.weights import load_state_dict, to_state_dict


class Net(nnx.Module):
    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.body = nnx.Linear(3, 4, rngs=rngs)
        self.head = nnx.Linear(4, 2, rngs=rngs)
        self.position = Frozen(jnp.ones(3))
        self.count = nnx.BatchStat(jnp.zeros(()))

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(self.body(x + self.position[...]))


def loss(net: Net) -> jax.Array:
    return (net(jnp.ones((2, 3))) ** 2).sum()


def test_what_is_frozen_has_no_gradient_and_is_not_updated() -> None:
    net = Net()
    assert freeze(net.body) is net.body
    gradients = nnx.grad(loss)(net)
    assert [str(path[0]) for path, _ in nnx.to_flat_state(gradients)] == ["head", "head"]
    optimizer = nnx.Optimizer(net, optax.sgd(0.1), wrt=nnx.Param)
    before = to_state_dict(net)
    optimizer.update(net, gradients)
    changed = {name for name, array in to_state_dict(net).items() if (array != before[name]).any()}
    assert changed == {"head.weight", "head.bias"}


def test_a_parameter_and_a_module_come_back_into_training() -> None:
    net = freeze(Net())
    assert not list(nnx.to_flat_state(nnx.state(net, nnx.Param)))
    unfreeze(net.head.bias)
    set_trainable(net.body, True)
    assert {name for name, p in named_parameters(net) if isinstance(p, nnx.Param)} == {
        "body.bias",
        "body.weight",
        "head.bias",
    }


def test_buffers_are_not_touched() -> None:
    net = unfreeze(freeze(Net()))
    assert type(net.count) is nnx.BatchStat
    assert type(net.position) is nnx.Param


def test_a_parameter_with_two_owners_stays_one() -> None:
    net = Net()
    net.again = nnx.data([net.body.kernel])
    freeze(net.body)
    assert net.again[0] is net.body.kernel
    assert type(net.again[0]) is Frozen


def test_frozen_parameters_are_parameters() -> None:
    net = Net()
    assert len(list(parameters(net))) == 5
    assert len(list(parameters(freeze(net)))) == 5


def test_state_dicts_name_frozen_parameters_as_before() -> None:
    net = Net()
    before = to_state_dict(net)
    frozen = freeze(Net())
    assert to_state_dict(frozen).keys() == before.keys()
    load_state_dict(frozen, {name: array + 1 for name, array in before.items()})
    assert all((array == before[name] + 1).all() for name, array in to_state_dict(frozen).items())
    assert type(frozen.body.kernel) is Frozen


def test_a_copied_state_leaves_out_what_is_not_saved() -> None:
    one, other = Net(), freeze(Net())
    one.body.kernel[...] += 1
    one.cache = Buffer(jnp.ones(2), persistent=False)
    copy_state(one, other)
    assert (other.body.kernel[...] == one.body.kernel[...]).all()
    assert type(other.body.kernel) is Frozen
    one.extra = Buffer(jnp.ones(2))
    with pytest.raises(KeyError, match="extra"):
        copy_state(one, other)
    copy_state(one, other, strict=False)
    one.position = nnx.Param(jnp.ones(1))
    with pytest.raises(ValueError, match="position"):
        copy_state(one, other, strict=False)


class Ordered(nnx.Module):
    """What PyTorch would list in this order, which is not the alphabetical one."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Linear(3, 3, rngs=rngs)
        self.act = nnx.relu
        self.body = nnx.Sequential(*(nnx.Linear(3, 3, use_bias=False, rngs=rngs) for _ in range(11)), nnx.tanh)
        self.heads = nnx.Dict({"z": nnx.Linear(3, 2, rngs=rngs), "a": nnx.LayerNorm(2, rngs=rngs)})
        self.embed = nnx.Embed(4, 3, rngs=rngs)
        self.layers = nnx.List([nnx.Linear(2, 2, rngs=rngs)])
        self.alpha = nnx.Param(jnp.ones(1))
        self.scale = nnx.Param(jnp.ones(1))
        self.mask = Buffer(jnp.ones(1))
        self.again = self.stem


@pytest.mark.parametrize("merged", [False, True])
def test_the_order_is_that_of_pytorch(merged: bool) -> None:
    import torch

    class Original(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = torch.nn.Linear(3, 3)
            self.act = torch.nn.ReLU()
            self.body = torch.nn.Sequential(*(torch.nn.Linear(3, 3, bias=False) for _ in range(11)), torch.nn.Tanh())
            self.heads = torch.nn.ModuleDict({"z": torch.nn.Linear(3, 2), "a": torch.nn.LayerNorm(2)})
            self.embed = torch.nn.Embedding(4, 3)
            self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2)])
            self.alpha = torch.nn.Parameter(torch.ones(1))
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.register_buffer("mask", torch.ones(1))
            self.again = self.stem

    original, net = Original(), Ordered(nnx.Rngs(0))
    net = nnx.merge(*nnx.split(net)) if merged else net
    assert [name for name, _ in ordered_named_parameters(net)] == [name for name, _ in original.named_parameters()]
    assert [name for name, _ in ordered_named_buffers(net)] == [name for name, _ in original.named_buffers()]
    with_state = [name for name, m in original.named_modules() if not isinstance(m, torch.nn.ReLU | torch.nn.Tanh)]
    assert [name for name, _ in ordered_named_modules(net)] == with_state
    shared = {"stem.weight", "stem.bias"}  # under the first name in alphabetical order
    assert {name for name, _ in named_parameters(net)} >= {name for name, _ in original.named_parameters()} - shared
    assert next(ordered_modules(net)) is net
    assert [name for name, _ in named_children(net)] == [name for name, _ in original.named_children()]
    assert [name for name, _ in named_children(net.body)] == [name for name, _ in original.body.named_children()]
    assert len(children(net.body)) == 12


def test_running_statistics_are_buffers() -> None:
    import torch

    original = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    net = nnx.Sequential(nnx.Linear(3, 4, rngs=nnx.Rngs(0)), nnx.BatchNorm(4, rngs=nnx.Rngs(0)))
    names = [name for name, _ in original.named_buffers() if "num_batches" not in name]
    assert [name for name, _ in ordered_named_buffers(net)] == names
    assert sorted(name for name, _ in named_buffers(net)) == sorted(names)
    assert len(list(buffers(net))) == len(list(ordered_buffers(net))) == 2


def test_gradients_come_in_the_order_of_the_parameters() -> None:
    net = Net()
    freeze(net.body.bias)
    graphdef, params, rest = nnx.split(net, nnx.Param, ...)
    grads = nnx.grad(lambda params: nnx.merge(graphdef, params, rest)(jnp.ones((1, 3))).sum())(params)
    named = ordered_named_gradients(net, grads)
    assert [name for name, _ in named] == [name for name, _ in ordered_named_parameters(net)]
    assert [name for name, grad in named if grad is None] == ["position", "body.bias"]
    assert dict(named)["body.weight"] is grads["body"]["kernel"]
    dict(named)["head.weight"][...] = jnp.zeros((4, 2))
    assert not grads["head"]["kernel"][...].any()
    assert all(grad is None for grad in ordered_gradients(net, None))
    assert len(ordered_gradients(net.head, grads["head"])) == 2
    weight, frozen = gradients_of([net.head.kernel, net.body.bias], net, grads)
    assert weight is grads["head"]["kernel"]
    assert frozen is None


def test_copies_of_parameters_have_the_axes_of_torch() -> None:
    rngs = nnx.Rngs(0)
    layers = [nnx.Conv(2, 4, (3, 5), rngs=rngs), nnx.ConvTranspose(4, 6, (3,), transpose_kernel=True, rngs=rngs)]
    net = nnx.Sequential(*layers, nnx.LayerNorm(6, rngs=rngs), nnx.Linear(6, 7, rngs=rngs))
    params = nnx.state(net, nnx.Param)
    grads = nnx.grad(lambda params: sum((p**3).sum() for p in jax.tree.leaves(params)))(params)
    state = to_state_dict(net)
    for (name, param), (other, grad) in zip(
        torch_named_parameters(net), torch_named_gradients(net, grads), strict=True
    ):
        assert name == other
        np.testing.assert_array_equal(param[...], state[name])
        np.testing.assert_allclose(grad[...], 3 * state[name] ** 2, rtol=1e-6)
    shapes = [p.shape for p in torch_parameters(net)]
    assert shapes == [(4, 2, 3, 5), (4,), (4, 6, 3), (6,), (6,), (6,), (7, 6), (7,)]
    assert shapes == [g.shape for g in torch_gradients(net, grads)]
    assert torch_gradients(net, None) == [None] * 8


def test_a_state_by_names_is_the_variables_themselves() -> None:
    class Shared(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.mean = Buffer(jnp.zeros(3))
            self.scratch = Buffer(jnp.zeros(3), persistent=False)
            self.first = nnx.Sequential(nnx.Linear(3, 4, rngs=rngs), nnx.relu, nnx.BatchNorm(4, rngs=rngs))
            self.second = self.first.layers[0]
            self.drop = nnx.Dropout(0.5, rngs=rngs)
            self.scale = Frozen(jnp.ones(2))

    module = Shared(nnx.Rngs(0))
    found = named_state(module)
    layer = [f"first.{name}" for name in ("0.weight", "0.bias")]
    norm = [f"first.2.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    assert sorted(found) == sorted(["mean", "scale", *layer, *norm, "second.weight", "second.bias"])
    assert list(found)[:2] == ["scale", "mean"]  # parameters come first
    assert found["second.weight"] is found["first.0.weight"] is module.second.kernel
    set_state(module, {name: variable[...] + 1 for name, variable in found.items()})
    assert module.scale[...].tolist() == [2.0, 2.0]
    with pytest.raises(KeyError, match="scale"):
        set_state(module, {name: variable for name, variable in found.items() if name != "scale"})
    set_state(module, {"mean": found["mean"][...], "other": jnp.ones(1), "scale": jnp.zeros(2)}, strict=False)
    assert module.scale[...].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="scale has the shapes"):
        set_state(module, {name: variable[...] if name != "scale" else jnp.ones(3) for name, variable in found.items()})
