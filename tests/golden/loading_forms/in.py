"""Loaders of every kind, and the ways to go through them."""

import itertools
from functools import partial

import torch
import torch.nn as nn
import torch.utils.data as data
from torch.autograd import Variable
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, IterableDataset, Sampler, SequentialSampler, Subset

OFFSET = torch.tensor([0.5, -0.5, 0.25])


class Stream(IterableDataset):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def __iter__(self):
        for i in range(self.count):
            yield torch.full((3,), float(i)) + OFFSET, i


class Evens(Sampler):
    def __init__(self, source):
        self.source = source

    def __iter__(self):
        return iter(range(0, len(self.source), 2))

    def __len__(self):
        return (len(self.source) + 1) // 2


class Scale:
    """A transform: any callable object."""

    def __init__(self, factor):
        self.factor = torch.tensor(factor)

    def __call__(self, x):
        return x * self.factor


class Named(data.Dataset):
    """Samples with names and numbers among them."""

    def __init__(self, count, transforms=()):
        self.values = torch.arange(float(count * 3)).reshape(count, 3)
        self.mean = self.values.mean(0)
        self.transforms = transforms

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        value = self.values[index]
        for transform in self.transforms:
            value = transform(value)
        return {"value": value, "name": f"sample {index}", "weight": 0.5 * index}


class Padded:
    def __init__(self, padding):
        self.padding = padding

    def __call__(self, samples):
        longest = max(len(sample["value"]) for sample in samples) + self.padding
        rows = [torch.nn.functional.pad(s["value"], (0, longest - len(s["value"]))) for s in samples]
        return torch.stack(rows), [sample["name"] for sample in samples]


def stacked(samples, key):
    return torch.stack([sample[key] for sample in samples])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, value, scale=1.0):
        return torch.tanh(self.fc(value)) * scale


class Trainer:
    def __init__(self, model: Net, loaders):
        self.model = model
        self.loaders = loaders
        self.validation = loaders["validation"]

    def total(self, phase):
        total = 0.0
        for value, names in self.loaders[phase]:
            value = value[:, :3].contiguous()
            total += self.model(value).sum().item() * len(names)
        return total

    def first(self):
        value, _ = next(iter(self.validation))
        return self.model(value[:, :3])


def whole_dictionaries(model: Net, loader):
    found = []
    for batch in loader:
        batch = {k: v.to("cpu") if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
        found.append((model(batch["value"]).mean().item(), batch["name"], batch["weight"].sum().item()))
    return found


def single_items(model: Net, loader):
    found = []
    for batch in loader:
        found.append((model(batch["value"], batch["weight"][:, None]).sum().item(), batch["name"][0]))
    return found


def several_loaders(model: Net, first, second):
    found = []
    for i, ((x, _), (z, n)) in enumerate(zip(first, itertools.cycle(second))):
        x, z = Variable(x), Variable(z)
        z += 1
        found.append((i, (model(x) - model(z)).sum().item(), n.float().mean().item()))
    return found


def endless(model: Net, loader, steps):
    iterator = iter(loader)
    found = []
    for _ in range(steps):
        try:
            x, n = next(iterator)
        except StopIteration:
            iterator = iter(loader)
            x, n = next(iterator)
        old = x.clone()
        x[0] = 0
        found.append((model(x).sum() - model(old).sum()).item() + n.sum().item())
    return found


def in_tuples(model: Net, loader):
    return [model(*[t for t in batch[:1]]).sum().item() + batch[1].sum().item() for batch in loader]


def run(model: Net):
    dataset = Named(7, transforms=[Scale(2.0), lambda value: value + 1])
    loaders = {
        "train": DataLoader(dataset, batch_size=3, collate_fn=Padded(1), sampler=Evens(dataset)),
        "validation": DataLoader(Subset(dataset, [1, 2, 3]), 2, False, None, None, 0, Padded(0)),
    }
    trainer = Trainer(model, loaders)
    results = [trainer.total("train"), trainer.total("validation"), trainer.first()]

    both = ConcatDataset([dataset, Named(2)])
    batches = BatchSampler(SequentialSampler(both), 4, drop_last=False)
    plain = data.DataLoader(both, batch_sampler=batches)
    results += [whole_dictionaries(model, plain), single_items(model, plain), len(plain), len(plain.dataset)]

    stream = DataLoader(Stream(8), batch_size=4)
    results += [several_loaders(model, stream, stream), endless(model, stream, 3), in_tuples(model, stream)]

    values = DataLoader(dataset, 4, collate_fn=partial(stacked, key="value"))
    results.append([model(value).sum().item() for value in values])
    results.append([value.sum().item() for value in itertools.islice(values, 1)])

    sample = dataset[2]
    results.append((model(sample["value"]), sample["name"], dataset.mean.sum().item()))
    for item in dataset:
        results.append(model(item["value"].unsqueeze(0)).sum().item())
        break
    one_by_one = DataLoader(Stream(2), batch_size=None)
    for x, n in one_by_one:
        results.append((model(x).sum().item(), n))
    return results
