"""Several devices: a process for each of them becomes one process with arrays that are split over them."""

from textwrap import dedent, indent

import pytest

from torch2jax import convert

HEAD = """\
import os
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


"""


def converted(statements: str) -> tuple[str, list[str]]:
    """The function's translation, and what was reported except for what is dropped on purpose."""
    conversion = convert(HEAD + "def run(data):\n" + indent(dedent(statements), "    "))
    code = conversion.code.partition("def run(")[2].partition("\n\n\n")[0]
    return code, [f"{d.code} {d.message}" for d in conversion.diagnostics if d.code != "T2J301"]


@pytest.mark.parametrize(
    "wrapper", ["DDP(net, device_ids=[0])", "nn.DataParallel(net).cuda()", "nn.DataParallel(module=net)"]
)
def test_a_wrapped_model_is_the_model_on_every_device(wrapper: str) -> None:
    code, found = converted(
        f"""\
        net = Net()
        model = {wrapper}
        optimizer = torch.optim.SGD(model.module.parameters(), lr=0.1)
        loader = DataLoader(TensorDataset(data), batch_size=4)
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
        torch.save(model.module.state_dict(), "net.pt")
        """
    )
    assert found == []
    for line in (
        "model = replicate(net)",
        "optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)",
        "x, y = shard_batch(x), shard_batch(y)",
        'save_checkpoint(nnx.state(model, nnx.Not(nnx.RngState)), "net.pt")',
    ):
        assert line in code


def test_processes_are_those_of_jax() -> None:
    code, found = converted(
        """\
        dist.init_process_group(backend="nccl")
        if dist.is_initialized() and dist.get_rank() == 0:
            print(dist.get_world_size())
        dist.barrier()
        dist.destroy_process_group()
        """
    )
    assert [line[:6] for line in found] == ["T2J205"]
    assert "join_processes()" in code
    assert "if True and jax.process_index() == 0:\n        print(jax.process_count())" in code
    assert "wait_for_processes()\n    leave_processes()" in code


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("dist.all_reduce(data, group=data)", "T2J108 `all_reduce` between devices: losses and metrics of a batch"),
        ("dist.all_reduce(data)", "T2J205 `all_reduce` changes nothing in one process"),
        ("dist.all_gather([data], data)", "T2J108 `all_gather` between devices: losses and metrics of a batch"),
        ("mp.spawn(run, nprocs=4)", "T2J108 a process for each device: one process drives all devices"),
        ("dist.get_rank(data)", "T2J103 torch.distributed.get_rank: groups of processes have no translation"),
        ('rank = int(os.environ["LOCAL_RANK"])', "T2J205 `LOCAL_RANK` is set by torchrun"),
        ('rank = os.getenv("RANK")', "T2J205 `RANK` is set by torchrun"),
        ("net = DDP(nn.BatchNorm2d(3))", "T2J205 batch normalisation sees the whole batch"),
    ],
)
def test_what_has_another_meaning_is_flagged(statement: str, message: str) -> None:
    _, found = converted(statement)
    assert [line.startswith(message) for line in found] == [True]


def test_one_process_exchanges_nothing() -> None:
    code, _ = converted(
        """\
        loss = data.mean()
        dist.all_reduce(loss, op=dist.ReduceOp.SUM)
        loss /= dist.get_world_size()
        """
    )
    assert "loss = data.mean()\n    expect_one_process()\n    loss /= jax.process_count()" in code


def test_an_attribute_of_that_name_is_left_alone() -> None:
    code, _ = converted("net = DDP(Net())\nreturn net.module.fc")
    assert "return net.fc" in code
    source = HEAD.replace("self.fc = nn", "self.module = nn").replace("self.fc(", "self.module(")
    assert "return net.module" in convert(source + "def run():\n    net = DDP(Net())\n    return net.module\n").code
