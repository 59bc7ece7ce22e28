"""What is written for data loading with `--data grain`, and what is flagged."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from torch2jax import Options, convert, convert_files
from torch2jax.cli import main

PRELUDE = """import torch
import torch.nn as nn
from torch.utils.data import *
from torch.utils.data import default_collate


class Points(Dataset):
    def __init__(self, count):
        super().__init__()
        self.points = torch.zeros(count, 3)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return self.points[index], index


"""
SHUFFLES = "T2J206 grain shuffles in another order than PyTorch, from the seed that stands here"


def converted(source: str, prelude: str = PRELUDE) -> tuple[str, list[str]]:
    conversion = convert(prelude + source, options=Options(data="grain"))
    return conversion.code, [f"{d.code} {d.message}" for d in conversion.diagnostics]


def loader(arguments: str, before: str = "") -> tuple[str, list[str]]:
    """What ``loader = DataLoader(...)`` becomes, and what is reported."""
    lines = [*before.split("\n")] if before else []
    body = "\n    ".join(
        [*lines, f"loader = DataLoader({arguments})", "for x, i in loader:", "    print(x.shape)", "return loader"]
    )
    code, found = converted(f"def run(points: Points, flag, generator):\n    {body}\n")
    text = code[code.index("def run(") :].split("    for x")[0].split("\n", 1)[1]
    return " ".join(text.split()), found


def test_a_data_set_becomes_a_class_of_numpy() -> None:
    code, found = converted("")
    assert found == []
    assert "class Points:\n    def __init__(self, count):\n        self.points = np.zeros((count, 3)" in code
    assert "super()" not in code
    assert "torch" not in code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("points", "Epochs(grain.MapDataset.source(points).batch(1))"),
        ("points, 8", "Epochs(grain.MapDataset.source(points).batch(8))"),
        ("points, batch_size=None", "Epochs(grain.MapDataset.source(points))"),
        (
            "points, batch_size=8, drop_last=True, pin_memory=True, persistent_workers=False",
            "Epochs(grain.MapDataset.source(points).batch(8, drop_remainder=True))",
        ),
        ("points, 8, drop_last=flag", "Epochs(grain.MapDataset.source(points).batch(8, drop_remainder=flag))"),
        (
            "points, 8, sampler=SequentialSampler(points)",
            "Epochs(Sampled(grain.MapDataset.source(points), SequentialSampler(points)).batch(8))",
        ),
        ("Points(3), 8, False", "Epochs(grain.MapDataset.source(Points(3)).batch(8))"),
        (
            "points, 8, collate_fn=lambda b: b[0]",
            "Epochs(grain.MapDataset.source(points).batch(8, batch_fn=lambda b: b[0]))",
        ),
        (
            "points, 8, collate_fn=default_collate",
            "Epochs(grain.MapDataset.source(points).batch(8, batch_fn=stack_samples))",
        ),
        ("points, batch_size=None, collate_fn=tuple", "Epochs(grain.MapDataset.source(points).map(tuple))"),
    ],
)
def test_a_loader_becomes_a_pipeline(arguments: str, expected: str) -> None:
    assert loader(arguments) == (f"loader = {expected}", [])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("points, 8, shuffle=True", "grain.MapDataset.source(points).shuffle(seed=0).batch(8)"),
        (
            "points, 8, shuffle=flag",
            "(grain.MapDataset.source(points).shuffle(seed=0) if flag else grain.MapDataset.source(points)).batch(8)",
        ),
        (
            "points, 8, True, generator=torch.Generator().manual_seed(4)",
            "grain.MapDataset.source(points).shuffle(seed=4).batch(8)",
        ),
    ],
)
def test_a_loader_that_shuffles_has_a_seed(arguments: str, expected: str) -> None:
    code, found = loader(arguments)
    assert code.replace("( ", "(").replace(" )", ")") == f"loader = Epochs({expected})".replace("( ", "(").replace(
        " )", ")"
    )
    assert found == [SHUFFLES]


@pytest.mark.parametrize(
    ("seeding", "seed", "stays"),
    [
        ("torch.manual_seed(7)", "7", False),
        ("torch.manual_seed(count)", "np.random.randint(2**32)", True),
        ("torch.manual_seed(1)\n    torch.manual_seed(2)", "np.random.randint(2**32)", True),
    ],
)
def test_the_seed_of_the_program_is_that_of_the_shuffle(seeding: str, seed: str, stays: bool) -> None:
    code, _ = converted(f"def run(count):\n    {seeding}\n    return DataLoader(Points(count), 4, shuffle=True)\n")
    assert f".shuffle(seed={seed})" in code
    assert ("np.random.seed(" in code) is stays


def test_what_is_read_of_a_loader_is_passed_to_it() -> None:
    source = """def run():
    loader = DataLoader(Points(9), batch_size=4)
    return len(loader.dataset), loader.batch_size
"""
    code, found = converted(source)
    assert "    dataset = Points(9)\n" in code
    assert "Epochs(grain.MapDataset.source(dataset).batch(4), dataset=dataset, batch_size=4)" in code
    assert found == []


def test_a_data_set_that_is_used_twice_is_built_once() -> None:
    source = """def run(parts):
    loaders = {name: DataLoader(Points(size), size) for name, size in parts.items()}
    more = {name: DataLoader(parts[name], 2) for name in parts}
    return len(loaders["train"].dataset), more
"""
    code, found = converted(source)
    assert "grain.MapDataset.source(dataset := Points(size)).batch(size), dataset=dataset" in code
    assert "source(parts[name]).batch(2, batch_fn=stack_samples), dataset=parts[name]" in " ".join(code.split())
    assert "T2J1" not in str(found)


def test_data_sets_are_added() -> None:
    source = """def run(x: torch.Tensor):
    both = Points(3) + Points(4)
    return DataLoader(both, 2), DataLoader(TensorDataset(x, x) + Points(3) + Points(4), 2)
"""
    code, found = converted(source)
    assert "both = ConcatDataset([Points(3), Points(4)])" in code
    assert "ConcatDataset([TensorDataset(np.array(x), np.array(x)), Points(3), Points(4)])" in " ".join(code.split())
    assert found == []


def test_samples_that_grain_batches_otherwise_have_a_function_of_their_own() -> None:
    source = """class Named(Points):
    def __getitem__(self, index):
        return {"x": self.points[index], "name": str(index)}


def run():
    return DataLoader(Named(9), batch_size=4)
"""
    assert ".batch(4, batch_fn=stack_samples)" in converted(source)[0]


def test_arrays_of_jax_are_copied_into_a_data_set() -> None:
    source = """def run():
    x = torch.randn(8, 3)
    for (batch,) in DataLoader(TensorDataset(x), 4):
        print(batch.mean())
"""
    code, _ = converted(source)
    assert "grain.MapDataset.source(TensorDataset(np.array(x))).batch(4)" in code
    assert "x = rngs.normal((8, 3))" in code
    assert "batch = jnp.asarray(batch)" in code


def test_a_data_set_reads_what_jax_code_uses_as_well() -> None:
    source = """MEAN = torch.tensor([1.0, 2.0, 3.0])
SCALE = torch.exp(MEAN)


class Scaled(Points):
    def __getitem__(self, index):
        return (self.points[index] - MEAN) / SCALE


def run():
    for x in DataLoader(Scaled(9), 4):
        print(x * SCALE)
"""
    code, found = converted(source)
    assert "return (self.points[index] - np.asarray(MEAN)) / np.asarray(SCALE)" in code
    assert found == []


def test_threads_take_the_place_of_workers() -> None:
    code, found = loader("points, 8, num_workers=4")
    assert code == "loader = Epochs(grain.MapDataset.source(points).batch(8), num_threads=4)"
    message = "grain reads samples in threads, which share the data set; PyTorch's workers have copies of it"
    assert found == [f"T2J205 {message}"]


def test_what_draws_gets_a_generator_of_numpy() -> None:
    source = """def run(points: Points):
    train, test = random_split(points, [6, 2])
    part, _ = random_split(points, [6, 2], generator=torch.Generator().manual_seed(5))
    generator = torch.Generator()
    generator.manual_seed(6)
    sampler = RandomSampler(points, num_samples=4, generator=generator)
    return train, test, part, sampler
"""
    code, found = converted(source)
    assert "random_split(points, [6, 2], generator=np.random.default_rng(0))" in code
    assert "random_split(points, [6, 2], generator=np.random.default_rng(5))" in code
    assert "    generator = np.random.default_rng(6)\n" in code
    assert "RandomSampler(points, num_samples=4, generator=generator)" in code
    assert {line[:6] for line in found} == {"T2J206"}


def test_a_process_has_its_share() -> None:
    source = """def run(points: Points):
    sampler = DistributedSampler(points, shuffle=False)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        for x, i in DataLoader(points, 4, sampler=sampler):
            print(x)
"""
    code, found = converted(source)
    made = "DistributedSampler( points, shuffle=False, num_replicas=jax.process_count(), rank=jax.process_index() )"
    assert made.replace("( ", "(").replace(" )", ")") in " ".join(code.split()).replace("( ", "(").replace(" )", ")")
    assert "Epochs(Sampled(grain.MapDataset.source(points), sampler).batch(4))" in code
    assert [line[:6] for line in found] == ["T2J205"]


def test_contexts_without_gradients_are_dropped() -> None:
    source = """class D(Points):
    @torch.no_grad()
    def __getitem__(self, index: int) -> "torch.Tensor":
        with torch.no_grad():
            return self.points[index]

    def to(self, device: torch.device):
        return self
"""
    code, found = converted(source)
    assert "    def __getitem__(self, index: int)" in code
    assert "@" not in code.split("# Helpers")[0]
    assert "with nullcontext():\n            return self.points[index]" in code
    assert "def to(self, device: jax.Device)" in code
    assert found == []


def test_hints_name_what_takes_the_place_of_a_class() -> None:
    source = """def run(loader: DataLoader, points: TensorDataset, whole: Dataset) -> torch.Tensor:
    if isinstance(points, TensorDataset):
        return len(loader)
"""
    code, found = converted(source)
    assert "loader: Epochs, points: TensorDataset, whole: grain.sources.RandomAccessDataSource" in " ".join(
        code.split()
    )
    assert "isinstance(points, TensorDataset)" in code
    assert found == []


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        (
            "class S(IterableDataset):\n    def __iter__(self):\n        yield 1\n",
            "T2J101",
            "IterableDataset has no counterpart",
        ),
        ("class L(DataLoader):\n    pass\n", "T2J101", "torch.utils.data.DataLoader has no counterpart"),
        ("x = DataLoader(Points(3), worker_init_fn=print)\n", "T2J103", "`worker_init_fn` has no counterpart"),
        ("x = DataLoader(Points(3), batch_sampler=[[0], [1]])\n", "T2J103", "`batch_sampler` has no counterpart"),
        (
            "x = DataLoader(Points(3), **{'batch_size': 3})\n",
            "T2J103",
            "the arguments of DataLoader are in a container",
        ),
        ("from torchvision import datasets\nx = datasets.MNIST('.')\n", "T2J101", "MNIST has no counterpart"),
        ("from torchvision.transforms import ToTensor\nx = ToTensor()\n", "T2J101", "ToTensor has no counterpart"),
        (
            "class D(Points):\n    def __getitem__(self, i):\n        return nn.Linear(3, 3)(self.points[i])\n",
            "T2J101",
            "torch.nn.Linear has no form in NumPy",
        ),
        (
            "class D(Points):\n    def __getitem__(self, i):\n        x = torch.zeros(3)[i]\n        x += 1\n",
            "T2J105",
            "a number of NumPy is a copy",
        ),
        (
            "class D(Points):\n    def __getitem__(self, i):\n        return read(i).add_(1)\n",
            "T2J101",
            "torch.Tensor.add_ has no form in NumPy",
        ),
        ("x = DataLoader(Points(3))\nprint(x.sampler)\n", "T2J103", "`sampler` of a loader has no counterpart"),
    ],
)
def test_what_is_flagged(source: str, code: str, message: str) -> None:
    text, found = converted(source)
    assert any(line.startswith(code) and message in line for line in found)
    assert "# TODO(torch2jax)" in text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("read(i).std()", "`.std()` of a NumPy array is not that of a tensor, and nothing says which of them this was"),
        (
            "read(i).max(1)",
            "`.max()` of a NumPy array is not that of a tensor, and nothing says which of them this was",
        ),
        ("read(i).max()", ""),
        ("np.load(i).std()", ""),
        (
            "torch.tensor(read(i)) / 2",
            "if this is an array of integers, NumPy gives float64 here, and PyTorch its default",
        ),
    ],
)
def test_what_hangs_on_a_kind_that_is_not_known_is_said(value: str, message: str) -> None:
    source = f"import numpy as np\n\n\nclass D(Points):\n    def __getitem__(self, i):\n        return {value}\n"
    assert converted(source)[1] == ([f"T2J205 {message}"] if message else [])


def test_another_default_dtype_is_said() -> None:
    source = "torch.set_default_dtype(torch.float64)\n"
    assert any("changes the default dtype" in line for line in converted(source)[1])


def test_a_seed_that_numpy_has_got_is_not_given_twice() -> None:
    source = """import numpy as np


def seed_all(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)


def run(seed):
    seed_all(seed)
    return DataLoader(Points(3), 4, shuffle=True), torch.randn(3)
"""
    assert converted(source)[0].count("np.random.seed(seed)") == 1


def test_the_command_has_the_option(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(PRELUDE, encoding="utf-8")
    for choice, base in (("grain", "class Points:"), ("torch", "class Points(Dataset):")):
        result = CliRunner().invoke(main, ["convert", "--data", choice, str(tmp_path / "data.py")])
        assert (result.exit_code, base in result.stdout) == (0, True)
    assert CliRunner().invoke(main, ["convert", "--data", "tf", str(tmp_path / "data.py")]).exit_code == 2


def test_torch_stays_the_default() -> None:
    conversion = convert(PRELUDE + "x = DataLoader(Points(3), 2)\n")
    assert "class Points(Dataset):" in conversion.code
    assert "grain" not in conversion.code


def test_a_project_shares_the_helpers() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/data.py": PRELUDE,
        "pkg/train.py": "from torch.utils.data import DataLoader\nfrom pkg.data import Points\n\n"
        "loader = DataLoader(Points(8), 4)\n",
    }
    found = convert_files(files, Options(data="grain"))
    assert "loader = Epochs(grain.MapDataset.source(Points(8)).batch(4))" in found["pkg/train.py"].code
    assert "class Epochs:" in found["pkg/torch2jax_helpers.py"].code
    assert not any("torch.utils" in conversion.code for conversion in found.values())


def test_an_unknown_choice_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="data must be one of torch, grain, not 'tf'"):
        Options(data="tf")  # type: ignore[arg-type]
