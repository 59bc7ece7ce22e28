from flax import nnx

from base import BaseModel

from .torch2jax_helpers import fan_in_uniform


class MnistModel(BaseModel):
    def __init__(self, num_classes=10, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.conv1 = nnx.Conv(1, 6, (3, 3), padding="VALID", **fan_in_uniform(1, (3, 3)), rngs=rngs)
        self.conv2 = nnx.Conv(6, 8, (2, 2), padding="VALID", **fan_in_uniform(6, (2, 2)), rngs=rngs)
        self.conv2_drop = nnx.Dropout(0.1, broadcast_dims=(1, 2), rngs=rngs)
        self.fc1 = nnx.Linear(32, 24, **fan_in_uniform(32), rngs=rngs)
        self.fc2 = nnx.Linear(24, num_classes, **fan_in_uniform(24), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = nnx.relu(nnx.max_pool(self.conv1(x), window_shape=(2, 2), strides=(2, 2)))
        x = nnx.relu(
            nnx.max_pool(self.conv2_drop(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
        )
        x = x.transpose(0, 3, 1, 2).reshape(-1, 32)
        x = nnx.relu(self.fc1(x))
        x = nnx.Dropout(0.5)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = self.fc2(x)
        return nnx.log_softmax(x, axis=1)
