"""Devices, memory, seeds, settings: mostly without a counterpart in JAX."""

from torch2jax.rulebook import *


@rule("torch.device")
def device(type: Ignored, index: Ignored = None) -> Device:
    """The default device: JAX places arrays itself.

    >>> f32(2, 3).to(torch.device('cpu'))
    >>> f32(2).to(torch.device('cpu', 0))
    >>> torch.device("cpu") == torch.device("cpu")
    """
    return jax.devices()[0]


@attribute("torch.device.type")
def device_type(self) -> str:
    """The sort of a device.

    >>> torch.device("cpu").type
    >>> f32(2, 3) + len(f32(2).device.type)
    """
    return helpers.device_type(self)


@attribute("torch.device.index")
def device_index(self):
    """The number of a device.

    >>> torch.device("cpu").index
    """
    raise Unsupported("JAX places arrays itself", "ask jax.devices(), whose devices have an id")


@rule("torch.cuda.is_available", "torch.backends.cuda.is_built")
def is_available() -> bool:
    """Whether JAX runs on a GPU.

    >>> torch.cuda.is_available()
    """
    return jax.default_backend() == "gpu"


@rule("torch.backends.mps.is_available", "torch.backends.mps.is_built")
def mps_is_available() -> bool:
    """Apple's GPUs.

    >>> torch.backends.mps.is_available()
    """
    return jax.default_backend() == "METAL"


@rule("torch.xpu.is_available")
def xpu_is_available() -> bool:
    """Intel's GPUs.

    >>> torch.xpu.is_available()
    """
    return jax.default_backend() == "xpu"


@rule("torch.cuda.is_bf16_supported")
def is_bf16_supported(including_emulation: Ignored = True) -> bool:
    """Whether an accelerator has bfloat16: all of XLA's have.

    >>> torch.cuda.is_bf16_supported()
    """
    return jax.default_backend() != "cpu"


@rule("torch.cuda.device_count", "torch.accelerator.device_count")
def device_count() -> int:
    """Number of accelerators: a processor does not count.

    >>> torch.cuda.device_count()
    """
    return 0 if jax.default_backend() == "cpu" else jax.device_count()


@rule("torch.cuda.current_device", "torch.get_default_device")
def current_device() -> Device:
    """The default device.

    >>> torch.cuda.current_device() if torch.cuda.is_available() else None
    >>> torch.get_default_device() == torch.device("cpu")
    """
    return jax.devices()[0]


@rule("torch.accelerator.is_available")
def accelerator_is_available() -> bool:
    """Whether JAX runs on an accelerator.

    >>> torch.accelerator.is_available()
    """
    return jax.default_backend() != "cpu"


@rule("torch.accelerator.current_accelerator")
def current_accelerator(check_available: Ignored = False) -> Device:
    """The default device.

    >>> torch.accelerator.current_accelerator() if torch.cuda.is_available() else None
    """
    return jax.devices()[0]


@rule("torch.cuda.get_device_name")
def get_device_name(device: Device = None) -> str:
    """Name of the default device.

    >>> torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    """
    return jax.devices()[0].device_kind


@rule("torch.cuda.get_device_properties")
def get_device_properties(device: Device = None) -> Object:
    """What the GPU is.

    >>> torch.cuda.get_device_properties(0).name if torch.cuda.is_available() else None
    """
    return helpers.gpu_properties()


@attribute("torch.cuda.get_device_properties.name")
def gpu_name(self) -> str:
    """Name of the GPU.

    >>> torch.cuda.get_device_properties(0).name if torch.cuda.is_available() else None
    """
    return self.name


@attribute("torch.cuda.get_device_properties.major")
def gpu_major(self) -> int:
    """First number of the compute capability.

    >>> torch.cuda.get_device_properties("cuda").major if torch.cuda.is_available() else None
    """
    return self.major


@attribute("torch.cuda.get_device_properties.minor")
def gpu_minor(self) -> int:
    """Second number of the compute capability.

    >>> torch.cuda.get_device_properties("cuda").minor if torch.cuda.is_available() else None
    """
    return self.minor


@attribute("torch.cuda.get_device_properties.multi_processor_count")
def gpu_multi_processor_count(self) -> int:
    """How many multiprocessors the GPU has.

    >>> torch.cuda.get_device_properties(0).multi_processor_count if torch.cuda.is_available() else None
    """
    return self.multi_processor_count


@attribute("torch.cuda.get_device_properties.total_memory")
def gpu_total_memory(self) -> int:
    """Bytes of memory.

    >>> torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None
    """
    caveat(
        "these are the bytes that JAX may use, three quarters of the GPU unless XLA_PYTHON_CLIENT_MEM_FRACTION is set"
    )
    return self.total_memory


@rule("torch.cuda.get_device_capability")
def get_device_capability(device: Device = None) -> (int, int):
    """Compute capability of the GPU.

    >>> torch.cuda.get_device_capability() if torch.cuda.is_available() else None
    """
    return (helpers.gpu_properties().major, helpers.gpu_properties().minor)


@rule("torch.cuda.synchronize", "torch.accelerator.synchronize", "torch.xpu.synchronize", "torch.cpu.synchronize")
def synchronize(device: Device = None) -> None:
    """Waits for all that devices were given: code that takes times.

    >>> torch.cpu.synchronize()
    """
    return helpers.synchronize()


@rule("torch.mps.synchronize")
def mps_synchronize() -> None:
    """Waits for all that devices were given.

    >>> torch.mps.synchronize() if torch.backends.mps.is_available() else torch.cpu.synchronize()
    """
    return helpers.synchronize()


@rule("torch.cuda.Event", "torch.cuda.Stream")
def Event(*args, **kwargs):
    """Events and streams.

    >>> torch.cuda.Event()
    """
    raise Unsupported("XLA schedules work itself", "time with time.perf_counter() around jax.block_until_ready(x)")


@rule("torch.cuda.stream")
def stream(stream):
    """Work on another stream.

    >>> torch.cuda.stream(torch.cuda.current_stream())
    """
    raise Unsupported("XLA schedules work itself", "time with time.perf_counter() around jax.block_until_ready(x)")


@rule("torch.cuda.current_stream", "torch.cuda.default_stream")
def current_stream(device=None):
    """A stream.

    >>> torch.cuda.current_stream()
    """
    raise Unsupported("XLA schedules work itself", "time with time.perf_counter() around jax.block_until_ready(x)")


@rule(
    "torch.cuda.memory_reserved",
    "torch.cuda.max_memory_reserved",
    "torch.cuda.memory_stats",
    "torch.cuda.mem_get_info",
)
def memory_properties(device=None):
    """Memory of the GPU.

    >>> torch.cuda.memory_reserved()
    """
    raise Unsupported("JAX reports memory per device", "use jax.devices()[0].memory_stats()")


@rule("torch.cuda.memory_allocated")
def memory_allocated(device: Device = None) -> int:
    """Bytes of the arrays on the default GPU.

    >>> torch.cuda.memory_allocated()
    """
    return helpers.memory_statistic("bytes_in_use")


@rule("torch.cuda.max_memory_allocated")
def max_memory_allocated(device: Device = None) -> int:
    """The most bytes that arrays took on the default GPU.

    >>> torch.cuda.max_memory_allocated()
    """
    caveat("JAX counts from the start of the program: torch.cuda.reset_peak_memory_stats has no counterpart")
    return helpers.memory_statistic("peak_bytes_in_use")


@rule("torch.cuda.memory_summary")
def memory_summary(device=None, abbreviated=False):
    """Memory of the GPU.

    >>> torch.cuda.memory_summary()
    """
    raise Unsupported("JAX reports memory per device", "use jax.devices()[0].memory_stats()")


@rule("torch.cuda.set_device", "torch.set_default_device", "torch.accelerator.set_device_index")
def set_device(device: Dropped) -> None:
    """Chooses a device.

    >>> torch.cuda.set_device(0) if torch.cuda.is_available() else None
    """
    return


@rule(
    "torch.cuda.empty_cache",
    "torch.cuda.ipc_collect",
    "torch.cuda.init",
    "torch.mps.empty_cache",
    "torch.accelerator.empty_cache",
)
def empty_cache() -> None:
    """XLA manages its memory.

    >>> torch.cuda.empty_cache() if torch.cuda.is_available() else None
    """
    return


@rule("torch.cuda.reset_peak_memory_stats", "torch.cuda.reset_max_memory_allocated")
def reset_peak_memory_stats(device: Ignored = None) -> None:
    """XLA manages its memory.

    >>> torch.cuda.reset_peak_memory_stats() if torch.cuda.is_available() else None
    """
    return


@rule("torch.set_num_threads", "torch.set_num_interop_threads")
def set_num_threads(num: Dropped) -> None:
    """XLA sizes its thread pool itself.

    >>> torch.set_num_threads(1)
    """
    return


@rule("torch.get_num_threads", "torch.get_num_interop_threads")
def get_num_threads() -> int:
    """Threads of PyTorch's operations.

    >>> torch.get_num_threads()
    """
    raise Unsupported("XLA sizes its thread pool itself", "use os.cpu_count()")


@rule("torch.set_float32_matmul_precision")
def set_float32_matmul_precision(precision: Dropped) -> None:
    """Precision of products; JAX has jax_default_matmul_precision.

    >>> torch.set_float32_matmul_precision("highest")
    """
    return


@rule("torch.use_deterministic_algorithms")
def use_deterministic_algorithms(mode: Dropped, *, warn_only: Ignored = False) -> None:
    """XLA is deterministic unless told otherwise.

    >>> torch.use_deterministic_algorithms(False)
    """
    return


@rule("torch.multiprocessing.set_start_method")
def set_start_method(method: Dropped, force: Ignored = False) -> None:
    """How processes start.

    >>> torch.multiprocessing.set_start_method("spawn", force=True) if torch.cuda.is_available() else None
    """
    return


@rule("torch.multiprocessing.set_sharing_strategy")
def set_sharing_strategy(new_strategy: Dropped) -> None:
    """How processes share memory.

    >>> torch.multiprocessing.set_sharing_strategy("file_system") if torch.cuda.is_available() else None
    """
    return


@rule("torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "torch.cuda.random.manual_seed", "torch.mps.manual_seed")
def cuda_manual_seed(seed: Ignored) -> None:
    """The streams of the GPU; JAX has keys.

    >>> torch.cuda.manual_seed_all(0)
    """
    return


@rule(
    "torch.get_rng_state",
    "torch.random.get_rng_state",
    "torch.cuda.get_rng_state_all",
    "torch.initial_seed",
    "torch.seed",
)
def get_rng_state():
    """State of the global stream.

    >>> torch.get_rng_state()
    """
    raise Unsupported("JAX has no global stream of random numbers", "keep an nnx.Rngs, or its keys")


@rule("torch.set_rng_state", "torch.random.set_rng_state")
def set_rng_state(new_state):
    """State of the global stream.

    >>> torch.set_rng_state(torch.get_rng_state())
    """
    raise Unsupported("JAX has no global stream of random numbers", "keep an nnx.Rngs, or its keys")


@rule("torch.cuda.get_rng_state")
def cuda_get_rng_state(device="cuda"):
    """State of the GPU's stream.

    >>> torch.cuda.get_rng_state()
    """
    raise Unsupported("JAX has no global stream of random numbers", "keep an nnx.Rngs, or its keys")


@rule("torch.cuda.set_rng_state")
def cuda_set_rng_state(new_state, device="cuda"):
    """State of the GPU's stream.

    >>> torch.cuda.set_rng_state(torch.get_rng_state())
    """
    raise Unsupported("JAX has no global stream of random numbers", "keep an nnx.Rngs, or its keys")


@rule("torch.cuda.set_rng_state_all")
def cuda_set_rng_state_all(new_states):
    """States of the streams of all GPUs.

    >>> torch.cuda.set_rng_state_all([])
    """
    raise Unsupported("JAX has no global stream of random numbers", "keep an nnx.Rngs, or its keys")


@rule("torch.set_printoptions")
def set_printoptions(
    precision=None, threshold=None, edgeitems=None, linewidth=None, profile: Dropped = None, sci_mode: Dropped = None
) -> None:
    """How arrays are printed.

    >>> torch.set_printoptions(precision=4)
    >>> torch.set_printoptions(threshold=5, edgeitems=2), str(torch.arange(20)).count("17"), torch.set_printoptions(
    ...     threshold=1000, edgeitems=3)
    >>> torch.set_printoptions(linewidth=30), "12" in str(torch.arange(13)).split("\\n")[0], torch.set_printoptions(
    ...     linewidth=80)
    """
    return jnp.set_printoptions(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)


@constant("torch.OutOfMemoryError", "torch.AcceleratorError", "torch.linalg.LinAlgError")
def errors():
    """What PyTorch raises.

    >>> torch.linalg.LinAlgError
    """
    raise Unsupported("JAX raises other errors, and NaN where a decomposition fails", "use jax.errors.JaxRuntimeError")


@rule("torch.set_flush_denormal")
def set_flush_denormal(mode) -> bool:
    """Whether the smallest numbers count as 0.

    >>> torch.set_flush_denormal(True)
    """
    raise Unsupported("this is a setting of PyTorch's processor code alone", "leave it out")


@rule("torch.set_warn_always")
def set_warn_always(b: Dropped) -> None:
    """Whether PyTorch repeats its warnings.

    >>> torch.set_warn_always(False)
    """
    return


@constant("torch.newaxis")
def newaxis() -> None:
    """A new axis in an index.

    >>> f32(2, 3)[:, torch.newaxis]
    """
    return


@rule("torch.Stream", "torch.Event")
def any_stream(*args, **kwargs):
    """The order of work on a device.

    >>> torch.Event()
    """
    raise Unsupported(
        "XLA orders the work on a device itself", "leave it out; x.block_until_ready() waits for a result"
    )


@rule("torch.get_deterministic_debug_mode", "torch.is_warn_always_enabled", "torch.is_anomaly_enabled")
def asked_settings():
    """Settings of PyTorch alone.

    >>> torch.get_deterministic_debug_mode()
    """
    raise Unsupported("this is a setting of PyTorch alone", "leave it out")
