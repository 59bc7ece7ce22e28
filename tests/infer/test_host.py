"""What belongs to data loading and stays PyTorch, and what crosses from there to JAX and back."""

from __future__ import annotations

import pytest

from torch2jax import convert, convert_files

PRELUDE = """import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        return self.fc(x)


"""
POINTS = """class Points(Dataset):
    def __init__(self, count):
        self.points = torch.randn(count, 3)

    def __getitem__(self, index):
        return self.points[index], index

    def __len__(self):
        return len(self.points)


"""


def converted(source: str) -> tuple[str, list[str]]:
    conversion = convert(PRELUDE + source)
    return conversion.code, [f"{d.code} {d.message}" for d in conversion.diagnostics]


def loop(body: str, before: str = "loader = DataLoader(Points(8), 4)") -> tuple[str, list[str]]:
    """The translation of the lines of a function that loads data, and what is reported."""
    lines = "\n    ".join([before, *body.split("\n")])
    code, found = converted(f"{POINTS}def run(model: Net):\n    {lines}\n")
    start = code.index("def run(")
    return code[start:].split("\n\n\n")[0], found


def test_a_data_set_stays_byte_for_byte() -> None:
    code, found = converted(POINTS)
    assert POINTS in code + "\n"
    assert found == []


def test_a_class_that_derives_from_a_data_set_of_the_project_stays_as_well() -> None:
    derived = "class More(Points):\n    def extra(self):\n        return torch.cat([self.points, self.points])\n"
    code, found = converted(POINTS + derived)
    assert derived in code
    assert found == []


def test_arrays_are_made_at_the_head_of_the_loop() -> None:
    code, found = loop("for x, y in loader:\n    print(model(x), y)")
    assert "    for x, y in loader:\n        x, y = jnp.asarray(x), jnp.asarray(y)\n        print(model(x), y)" in code
    assert found == []


def test_arrays_are_made_where_the_source_moves_them_to_the_device() -> None:
    code, _ = loop('for x, y in loader:\n    x, y = x.to("cuda"), y.cuda()\n    print(model(x), y)')
    assert "for x, y in loader:\n        x, y = jnp.asarray(x), jnp.asarray(y)\n        print" in code


def test_a_name_that_is_read_before_it_moves_is_made_an_array_at_the_head() -> None:
    code, _ = loop('for x, _ in loader:\n    print(x.mean())\n    x = x.to("cuda").double()\n    print(model(x))')
    assert "for x, _ in loader:\n        x = jnp.asarray(x)\n        print(x.mean())" in code


def test_what_is_not_read_is_left_alone() -> None:
    code, _ = loop("for x, y in loader:\n    print(len(loader))")
    assert "asarray" not in code


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "collate_fn=numpy_collate"),
        ("collate_fn=None", "collate_fn=numpy_collate"),
        ("collate_fn=torch.stack", "collate_fn=partial(numpy_collate, collate=torch.stack)"),
        ("collate_fn=lambda b: torch.stack(b)", "partial(numpy_collate, collate=lambda b: torch.stack(b))"),
        ("pin_memory=True", "DataLoader(Points(8), 4, collate_fn=numpy_collate)"),
        ("batch_size=None", "collate_fn=partial(numpy_collate, collate=torch.utils.data.default_convert)"),
        ("num_workers=0", "DataLoader(Points(8), 4, num_workers=0, collate_fn=numpy_collate)"),
    ],
)
def test_loaders_give_numpy_arrays(given: str, expected: str) -> None:
    size = "" if "batch_size" in given else "4, "
    code, found = loop("return loader", f"loader = DataLoader(Points(8), {size}{given})")
    assert expected in " ".join(code.split()).replace("( ", "(").replace(", )", ")")
    assert found == []


def test_the_seed_stays_where_data_loading_draws() -> None:
    code, found = loop(
        "return loader", "torch.manual_seed(0)\nloader = DataLoader(Points(8), 4, shuffle=True)".replace("\n", "\n    ")
    )
    assert "torch.manual_seed(0)" in code
    assert found == []


def test_the_seed_goes_where_only_the_model_draws() -> None:
    code, found = converted("def run():\n    torch.manual_seed(0)\n    return Net()\n")
    assert "manual_seed" not in code
    assert "rngs = nnx.Rngs(0)" in code
    assert found == []


def test_a_function_that_data_loading_calls_stays() -> None:
    function = "def halved(x):\n    return torch.mul(x, 0.5)\n\n\n"
    caller = "class Halves(Points):\n    def __getitem__(self, index):\n        return halved(self.points[index])\n"
    code, found = converted(POINTS + function + caller)
    assert function in code
    assert found == []


def test_a_function_that_only_jax_code_calls_is_translated() -> None:
    code, _ = converted(f"{POINTS}def halved(x: torch.Tensor):\n    return torch.mul(x, 0.5)\n")
    assert "return x * 0.5" in code or "jnp.multiply(x, 0.5)" in code


def test_a_function_that_both_sides_call_is_flagged_where_arrays_leave_jax() -> None:
    function = "def halved(x):\n    return torch.mul(x, 0.5)\n\n\n"
    caller = "class Halves(Points):\n    def __getitem__(self, index):\n        return halved(self.points[index])\n\n\n"
    code, found = converted(
        f"{POINTS}{function}{caller}def loss(model: Net, x: torch.Tensor):\n    return halved(model(x)).sum()\n"
    )
    assert "jnp.asarray(halved(to_torch(model(x)))).sum()" in code
    assert [line[:6] for line in found] == ["T2J111"]


def test_a_module_in_a_data_set_is_flagged() -> None:
    source = "class Encoded(Points):\n    def __init__(self, net):\n        self.net = net\n\n\n"
    _, found = converted(f"{POINTS}{source}def run(net: Net):\n    return Encoded(net)\n")
    assert [line[:6] for line in found] == ["T2J111"]


def test_an_array_of_jax_that_a_data_set_reads_is_flagged() -> None:
    shifted = (
        "class Shifted(Points):\n    def __getitem__(self, index):\n        return self.points[index] + SHIFT\n\n\n"
    )
    both = "def f(x: torch.Tensor):\n    return x + SHIFT\n"
    code, found = converted(f"SHIFT = torch.ones(3)\n\n\n{POINTS}{shifted}{both}")
    assert [line[:6] for line in found] == ["T2J111"]
    assert "# TODO(torch2jax): T2J111" in code


def test_a_tensor_that_only_a_data_set_reads_stays() -> None:
    shifted = "class Shifted(Points):\n    def __getitem__(self, index):\n        return self.points[index] + SHIFT\n"
    code, found = converted(f"SHIFT = torch.ones(3)\n\n\n{POINTS}{shifted}")
    assert "SHIFT = torch.ones(3)" in code
    assert found == []


def test_tensors_made_for_a_data_set_stay_with_all_that_they_are_made_of() -> None:
    code, _ = loop("return TensorDataset(x, y)", "x = torch.randn(8, 3)\n    w = torch.ones(3)\n    y = (x @ w).abs()")
    assert "x = torch.randn(8, 3)\n    w = torch.ones(3)\n    y = (x @ w).abs()" in code
    assert "return TensorDataset(x, y)" in code


def test_tensors_that_the_model_sees_too_cross() -> None:
    code, _ = loop("print(model(x))\nreturn TensorDataset(x)", "x = torch.zeros(8, 3)")
    assert "x = jnp.zeros((8, 3))" in code
    assert "TensorDataset(to_torch(x))" in code


def test_a_device_is_one_of_jax() -> None:
    code, _ = loop("return TensorDataset(x)", 'device = torch.device("cpu")\n    x = torch.zeros(8, 3, device=device)')
    assert "TensorDataset(to_torch(x))" in code


def test_parts_of_a_batch_become_arrays_where_they_are_used() -> None:
    named = """class Named(Points):
    def __getitem__(self, index):
        return {"x": self.points[index], "name": str(index)}


"""
    code, found = converted(
        f"{POINTS}{named}def run(model: Net):\n    for batch in DataLoader(Named(4), 2):\n"
        '        print(model(batch["x"]), batch["name"])\n'
    )
    assert 'print(model(jnp.asarray(batch["x"])), batch["name"])' in code
    assert found == []


def test_a_batch_of_unknown_structure_is_converted_whole() -> None:
    code, _ = converted(
        "def run(model: Net, data):\n    for batch in DataLoader(data, 2):\n"
        "        batch = {k: v for k, v in batch.items()}\n        print(model(batch['x']))\n"
    )
    assert "for batch in DataLoader(data, 2, collate_fn=numpy_collate):\n        batch = to_jax(batch)" in code


def test_a_loader_of_numpy_arrays_in_a_data_set_is_flagged() -> None:
    ahead = "class Ahead(Dataset):\n    def __init__(self, loader):\n        self.batches = list(loader)\n\n\n"
    _, found = converted(
        f"{POINTS}{ahead}def run():\n    loader = DataLoader(Points(4), 2)\n    return Ahead(loader)\n"
    )
    assert [line[:6] for line in found] == ["T2J111"]


def test_a_generator_around_a_loader_stays_what_it_is() -> None:
    cycle = "def cycle(loader):\n    while True:\n        for batch in loader:\n            yield batch\n\n\n"
    code, found = converted(
        f"{POINTS}{cycle}def run(model: Net):\n    batches = cycle(DataLoader(Points(4), 2))\n"
        "    x, y = next(batches)\n    return model(x).sum() + y\n"
    )
    assert cycle in code
    assert "    x, y = next(batches)\n    x, y = jnp.asarray(x), jnp.asarray(y)\n" in code
    assert found == []


def test_a_function_that_is_the_same_on_both_sides_is_shared() -> None:
    exists = "def exists(value):\n    return value is not None\n\n\n"
    both = (
        "class More(Points):\n    def __init__(self, count, scale=None):\n        super().__init__(count)\n"
        "        if exists(scale):\n            self.points = self.points * scale\n\n\n"
        "def f(x: torch.Tensor):\n    return x.exp() if exists(x) else None\n"
    )
    code, found = converted(POINTS + exists + both)
    assert "return jnp.exp(x) if exists(x) else None" in code
    assert found == []


def test_workers_are_warned_of() -> None:
    _, found = loop("return loader", "loader = DataLoader(Points(8), 4, num_workers=2)")
    assert [line[:6] for line in found] == ["T2J205"]


def test_a_sampler_for_several_processes_is_told_how_many_there_are() -> None:
    sampler = "torch.utils.data.distributed.DistributedSampler(Points(8))"
    code, found = loop("return DataLoader(Points(8), sampler=sampler)", f"sampler = {sampler}")
    assert [line[:6] for line in found] == ["T2J205"]
    assert "num_replicas=jax.process_count(), rank=jax.process_index()" in code
    _, found = loop("return loader", f"loader = DataLoader(Points(8), sampler={sampler})")
    assert [line[:6] for line in found] == ["T2J108"]


def test_a_loader_of_another_file_is_known() -> None:
    files = {
        "data.py": f"import torch\nfrom torch.utils.data import DataLoader, Dataset\n\n\n{POINTS}"
        "def loaders(size):\n    return DataLoader(Points(8), size), DataLoader(Points(4), size)\n",
        "train.py": "import torch\nimport torch.nn as nn\nfrom data import loaders\n\n\ndef run(model: nn.Linear):\n"
        "    train, test = loaders(2)\n    for x, y in train:\n        print(model(x))\n",
    }
    found = convert_files(files)
    assert all(conversion.ok for conversion in found.values())
    assert "for x, y in train:\n        x = jnp.asarray(x)\n" in found["train.py"].code


@pytest.mark.parametrize("call", ["a.std(0)", "a.max(axis=1)", "a.mean(0).repeat(2)", "a[0].std()", "(a - 1).std(0)"])
def test_methods_of_numpy_arrays_are_numpy_s_own(call: str) -> None:
    code, found = converted(f"def f(path):\n    a = np.load(path)\n    return {call}\n")
    assert f"return {call}" in code
    assert found == []


def test_what_a_script_passes_is_known_before_it_is_used() -> None:
    """``model.to(device)`` of something unknown would be a tensor for good."""
    code, found = converted(f"""{POINTS}class Trainer:
    def __init__(self, model, loader, device="cpu"):
        self.model = model.to(device)
        self.loader = loader
        self.device = device

    def evaluate(self):
        self.model.eval()
        return [self.model(x.to(self.device)).sum().item() for x, _ in self.loader]


def main():
    print(Trainer(Net(), DataLoader(Points(4), 2)).evaluate())


if __name__ == "__main__":
    main()
""")
    assert "self.model = model\n" in code
    assert "return [self.model(jnp.asarray(x)).sum().item() for x, _ in self.loader]" in code
    assert [line[:6] for line in found] == ["T2J301"]
