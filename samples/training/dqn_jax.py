"""Deep Q-learning with a replay memory and a target network, in a small corridor with the reward at its end."""

import math
import random
from collections import deque, namedtuple
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

random.seed(0)
rngs = nnx.Rngs(0)

BATCH_SIZE = 16
GAMMA = 0.95
EPS_START, EPS_END, EPS_DECAY = 0.9, 0.05, 60
TARGET_UPDATE = 3
LR = 1e-3

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward", "done"))


class Corridor:
    """Positions 0 to 5; action 1 goes right, 0 goes left. The right end pays 1, each step costs a little."""

    length = 6

    def reset(self):
        self.position, self.steps = 0, 0
        return self.observe()

    def observe(self):
        state = np.zeros(self.length, dtype=np.float32)
        state[self.position] = 1.0
        return state

    def step(self, action):
        self.position = max(0, self.position + (1 if action == 1 else -1))
        self.steps += 1
        arrived = self.position == self.length - 1
        return self.observe(), (1.0 if arrived else -0.01), arrived or self.steps >= 20


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        """Save a transition"""
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DQN(nnx.Module):
    def __init__(self, n_observations, n_actions, *, rngs: nnx.Rngs):
        self.layer1 = nnx.Linear(n_observations, 24, **fan_in_uniform(n_observations), rngs=rngs)
        self.layer2 = nnx.Linear(24, 24, **fan_in_uniform(24), rngs=rngs)
        self.layer3 = nnx.Linear(24, n_actions, **fan_in_uniform(24), rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.layer1(x))
        x = nnx.relu(self.layer2(x))
        return self.layer3(x)


n_actions = 2


# Helpers without a Flax equivalent.


@jax.jit
def clip_by_value(grads: Any, limit: float) -> Any:
    """Gradients with every element between ``-limit`` and ``limit``."""
    return jax.tree.map(lambda grad: jnp.clip(grad, -limit, limit), grads)


def _saved(module: nnx.Module) -> dict[tuple[object, ...], nnx.Variable[jax.Array]]:
    return {
        path: node
        for path, node in nnx.iter_graph(module)
        if isinstance(node, nnx.Variable)
        and not isinstance(node, nnx.RngState)
        and node.get_metadata().get("persistent", True)
    }


def copy_state(source: nnx.Module, target: nnx.Module, strict: bool = True) -> None:
    """Gives `target` the values of the parameters and buffers of `source`, by their paths.

    Raises KeyError where one of them has what the other lacks (unless `strict` is False), ValueError for other shapes.
    """
    given, held = _saved(source), _saved(target)
    if strict and given.keys() != held.keys():
        raise KeyError(f"only one of the modules has {sorted(map(str, given.keys() ^ held.keys()))}")
    for path in given.keys() & held.keys():
        if given[path].shape != held[path].shape:
            raise ValueError(f"{path} has the shapes {given[path].shape} and {held[path].shape}")
        held[path][...] = given[path][...]


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def gather(x: jax.Array, axis: int, index: jax.Array) -> jax.Array:
    """Values of x at `index` along `axis`; on the other axes `index` may be shorter than x, and is not broadcast."""
    if not index.size:  # which may have any number of axes
        return jnp.zeros(index.shape, x.dtype)
    axis %= x.ndim
    window = tuple(slice(None) if i == axis else slice(size) for i, size in enumerate(index.shape))
    return jnp.take_along_axis(x[window], index, axis)


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


class MomentsState(NamedTuple):
    """Number of steps taken, the running means of gradients and of their squares, and what else is kept."""

    steps: jax.Array
    mu: optax.Updates
    nu: optax.Updates
    kept: Any = None


def _moments(state: MomentsState, grads: optax.Updates, b1: float, b2: float) -> tuple[jax.Array, Any, Any]:
    """The number of this step and the running means with its gradients."""
    mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
    nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)
    return state.steps + 1, mu, nu


def scale_by_amsgrad(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """AMSGrad: Adam that divides by the largest mean of squares so far, which is corrected for bias afterwards."""

    def init(params: optax.Params) -> MomentsState:
        zeros = optax.tree.zeros_like(params)
        return MomentsState(jnp.zeros([], jnp.int32), zeros, zeros, zeros)

    def update(grads: optax.Updates, state: MomentsState, params: Any = None) -> tuple[optax.Updates, MomentsState]:
        step, mu, nu = _moments(state, grads, b1, b2)
        largest = jax.tree.map(jnp.maximum, state.kept, nu)
        updates = jax.tree.map(lambda m, v: m / (1 - b1**step) / (jnp.sqrt(v / (1 - b2**step)) + eps), mu, largest)
        return updates, MomentsState(step, mu, nu, largest)

    return optax.GradientTransformation(init, update)


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))


policy_net = DQN(Corridor.length, n_actions, rngs=rngs)
target_net = DQN(Corridor.length, n_actions, rngs=rngs)
copy_state(policy_net, target_net)
target_net.eval()

optimizer = nnx.Optimizer(
    policy_net,
    optax.chain(scale_by_amsgrad(), optax.add_decayed_weights(0.01), optax.scale_by_learning_rate(LR)),
    wrt=nnx.Param,
)
memory = ReplayMemory(500)
steps_done = 0


def select_action(state):
    global steps_done
    eps_threshold = EPS_END + (EPS_START - EPS_END) * math.exp(-1.0 * steps_done / EPS_DECAY)
    steps_done += 1
    if random.random() > eps_threshold:
        return max_with_indices(policy_net(jnp.asarray(state)[None]), axis=1)[1].item()
    return random.randrange(n_actions)


@nnx.jit(graph=False)
def train_step(
    policy_net, optimizer, target_net, next_state_batch, state_batch, action_batch, reward_batch, done_batch
):
    # Compute V(s_{t+1}) for all next states, from the older target network
    next_state_values = max_with_indices(target_net(next_state_batch), axis=1)[0]
    graphdef, params, rest = nnx.split(policy_net, nnx.Param, ...)

    def loss_fn(params, rest):
        policy_net = nnx.merge(graphdef, params, rest)

        # Compute Q(s_t, a): the columns of the actions that were taken
        state_action_values = squeeze(gather(policy_net(state_batch), 1, action_batch), 1)
        expected_state_action_values = reward_batch + GAMMA * next_state_values * (1 - done_batch)

        # Compute Huber loss
        loss = optax.huber_loss(state_action_values, expected_state_action_values).mean()
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    grads = clip_by_value(grads, 100)
    optimizer.update(policy_net, grads)
    return loss


def optimize_model():
    if len(memory) < BATCH_SIZE:
        return None
    transitions = memory.sample(BATCH_SIZE)
    batch = Transition(*zip(*transitions))

    state_batch = jnp.asarray(np.stack(batch.state))
    next_state_batch = jnp.asarray(np.stack(batch.next_state))
    action_batch = jnp.array(batch.action)[:, None]
    reward_batch = jnp.array(batch.reward, dtype=jnp.float32)
    done_batch = jnp.array(batch.done, dtype=jnp.float32)
    # Optimize the model
    loss = train_step(
        policy_net, optimizer, target_net, next_state_batch, state_batch, action_batch, reward_batch, done_batch
    )
    return loss.item()


env = Corridor()
episode_durations = []
for i_episode in range(8):
    state = env.reset()
    total, losses = 0.0, []
    while True:
        action = select_action(state)
        next_state, reward, done = env.step(action)
        memory.push(state, action, next_state, reward, done)
        state = next_state
        total += reward
        loss = optimize_model()
        if loss is not None:
            losses.append(loss)
        if done:
            break
    episode_durations.append(env.steps)
    mean_loss = sum(losses) / max(1, len(losses))
    print(f"episode {i_episode}: {env.steps} steps, return {total:.2f}, loss {mean_loss:.5f}")
    # Update the target network, copying all weights and biases in DQN
    if i_episode % TARGET_UPDATE == 0:
        copy_state(policy_net, target_net)
