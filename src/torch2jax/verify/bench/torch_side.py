"""The original as a contender: as it is, or under `torch.compile`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from torch2jax.verify.bench import memory
from torch2jax.verify.bench.messages import Job, Ready
from torch2jax.verify.bench.settings import NO_DEVICE, BenchError, BenchSettings, Contender, Work
from torch2jax.verify.build import build_torch
from torch2jax.verify.calls import CallArrays, to_torch
from torch2jax.verify.cases import Case
from torch2jax.verify.compare import leaves
from torch2jax.verify.randomness import seeded_python
from torch2jax.verify.sides import SEED, Original, namespace_of

LEARNING_RATE = 1e-4
MOMENTUM = 0.9


def set_up(settings: BenchSettings, *, compiled: bool) -> Ready:
    """Set torch up. Raises BenchError where the device is missing, or where `torch.compile` can't work."""
    gpu = settings.device == "gpu"
    if gpu and not torch.cuda.is_available():
        build = "" if torch.version.cuda else " (a build for the CPU; pytorch.org says how to install one with CUDA)"
        raise BenchError(f"torch {torch.__version__} {NO_DEVICE}{build}")
    torch.set_num_threads(settings.threads)
    torch.backends.cudnn.benchmark = True  # as XLA, which tries algorithms when it compiles
    set_matmul_precision(settings.matmul)
    _run_something_small(torch.device("cuda" if gpu else "cpu"), compiled=compiled)
    name = torch.cuda.get_device_name() if gpu else "cpu"
    return Ready({"torch": torch.__version__}, name, torch.get_num_threads(), torch.get_float32_matmul_precision())


class TorchSide:
    """Builds the original, and gives functions that run it once and return when the device is done."""

    def __init__(self, job: Job, case: Case) -> None:
        self.job, self.case = job, case
        self.compiled = job.contender is Contender.COMPILED
        self.device = torch.device("cuda" if job.settings.device == "gpu" else "cpu")
        self.dtype = torch.bfloat16 if job.settings.dtype == "bfloat16" else torch.float32
        self.space, _ = job.programs.spaces()
        self.original = Original(job.programs, case, self.space, double=False)
        self._begin = 0

    def load(self) -> None:
        """Import the program."""
        torch.set_default_dtype(self.dtype)
        self.original.load()
        self._begin = memory.resident() or 0

    def running(self) -> AbstractContextManager[object]:
        """Its own modules importable."""
        return self.space.active()

    def prepare(self, work: Work, inputs: CallArrays) -> tuple[Callable[[], object], str]:
        """A function that runs the work once, on a model of its own, and what there is to say about it."""
        if self.compiled:
            torch._dynamo.reset()
        model = self._built(train=work is Work.STEP)
        call = inputs.fill({name: self._tensor(array) for name, array in inputs.arrays.items()})
        method = self.case.method
        function = model if method == "forward" else getattr(model, method)

        def forward() -> Any:
            return function(*call.args, **(call.kwargs or {}))

        if work is Work.FORWARD:
            return self._forward(forward)
        if not isinstance(model, nn.Module):
            raise BenchError("a plain function has nothing to train")
        return self._step(forward, model)

    def reset_peak(self) -> None:
        """Forget the most memory that was held so far."""
        memory.resident()
        memory.reset_peak()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def peak(self) -> int | None:
        """The most bytes since then: tensors on the device, or on the CPU what the process holds beyond the imports."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated())
        held = memory.peak()
        return None if held is None else max(held - self._begin, 0)

    def _built(self, *, train: bool) -> Any:
        """The model with the values that the program itself gives it."""
        with seeded_python(SEED):
            namespace = namespace_of(self.space, self.original.module, self.case)
            model = build_torch(self.case, self.original.name, namespace, train=False)
        if isinstance(model, nn.Module):
            model.to(self.device)
            if self.dtype is torch.bfloat16:
                model.to(self.dtype)
            model.train(train)
        return model

    def _tensor(self, array: Any) -> torch.Tensor:
        return to_torch(array).to(self.device)

    def _forward(self, forward: Callable[[], Any]) -> tuple[Callable[[], object], str]:
        """The call without gradients, unless the program itself needs them."""
        gradients: Callable[[], AbstractContextManager[object]] = torch.no_grad
        try:
            with torch.no_grad():
                forward()
        except RuntimeError as error:
            if "grad" not in str(error):
                raise
            gradients = torch.enable_grad
        function = torch.compile(forward, dynamic=False) if self.compiled else forward

        def run() -> object:
            with gradients():
                result = function()
            self._wait()
            return result

        return run, "" if gradients is torch.no_grad else "with gradients, which the program needs"

    def _step(self, forward: Callable[[], Any], model: nn.Module) -> tuple[Callable[[], object], str]:
        """Forward, backward and an update of SGD with momentum."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        if not parameters:
            raise BenchError("there are no parameters to train")
        optimizer = torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM, **_fused(parameters))

        def loss() -> torch.Tensor:
            return mean_square(dict(leaves(forward())))

        loss()  # what the program itself refuses is not to be taken for a failure of the compiler
        function = torch.compile(loss, dynamic=False) if self.compiled else loss

        def run() -> object:
            optimizer.zero_grad()
            value = function()
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self._wait()
            return value

        return run, ""

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def mean_square(outputs: Mapping[str, Any]) -> torch.Tensor:
    """The sum over all float outputs of the mean of their squares: a loss that any model has."""
    floats = [out for out in outputs.values() if isinstance(out, torch.Tensor)]
    parts = [out.square().mean() for out in floats if out.is_floating_point()]
    parts += [(out.real.square() + out.imag.square()).mean() for out in floats if out.is_complex()]
    if not any(part.requires_grad for part in parts):
        raise BenchError("nothing in the result can be differentiated")
    return functools.reduce(torch.add, parts)


def set_matmul_precision(matmul: str) -> None:
    """Products of float32 matrices, and convolutions, in float32 throughout or in TF32 where the device has it."""
    tf32 = matmul == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32


def _fused(parameters: list[nn.Parameter]) -> dict[str, bool]:
    """The fused update, which is the fastest, where torch has it for these parameters."""
    return {"fused": True} if all(p.is_floating_point() for p in parameters) else {}


def _run_something_small(device: torch.device, *, compiled: bool) -> None:
    """A step of a small model: what is loaded or built once per process or machine belongs to no model.

    Raises BenchError where `torch.compile` can't work here.
    """
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 8)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, fused=True)
    x = torch.ones(2, 3, 6, 6, device=device)
    try:
        function = torch.compile(model) if compiled else model
        function(x).sum().backward()
    except Exception as error:  # whatever the compiler raises
        if not compiled:
            raise
        raise BenchError(why_not_compiled(error, device.type)) from error
    optimizer.step()


def why_not_compiled(error: BaseException, device: str) -> str:
    """A sentence about an error of `torch.compile`, which for a missing compiler is a long one of many causes."""
    text = " ".join(str(error).split())
    if "C++ compiler" in text or "InvalidCxxCompiler" in text or ("ompiler:" in text and "not found" in text):
        return "torch.compile needs a C++ compiler here: install g++ or clang, or set CXX"
    if "triton" in text.lower() and device == "cuda":
        return f"torch.compile needs a working Triton for the GPU: {text[:200]}"
    return f"torch.compile fails here: {text[:300]}"
