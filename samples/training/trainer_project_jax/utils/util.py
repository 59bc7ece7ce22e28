import jax


def prepare_device(n_gpu_use):
    """
    setup GPU device if available
    """
    n_gpu = 0 if jax.default_backend() == "cpu" else jax.device_count()
    if n_gpu_use > 0 and n_gpu == 0:
        print("Warning: There's no GPU available on this machine, training will be performed on CPU.")
        n_gpu_use = 0
    device = jax.devices()[0]
    return device


class MetricTracker:
    def __init__(self, *keys):
        self._total = dict.fromkeys(keys, 0.0)
        self._counts = dict.fromkeys(keys, 0)

    def reset(self):
        for key in self._total:
            self._total[key] = 0.0
            self._counts[key] = 0

    def update(self, key, value, n=1):
        self._total[key] += value * n
        self._counts[key] += n

    def avg(self, key):
        return self._total[key] / self._counts[key]

    def result(self):
        return {key: self.avg(key) for key in self._total}
