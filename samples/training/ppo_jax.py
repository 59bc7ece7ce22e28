"""Proximal policy optimisation of a pole on a cart: a rollout buffer, clipped ratios and generalised advantages."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

seed = 1
total_timesteps = 512
learning_rate = 2.5e-3
num_envs = 4
num_steps = 32
anneal_lr = True
gamma = 0.99
gae_lambda = 0.95
num_minibatches = 4
update_epochs = 4
norm_adv = True
clip_coef = 0.2
clip_vloss = True
ent_coef = 0.01
vf_coef = 0.5
max_grad_norm = 0.5
target_kl = None


# Helpers without a Flax equivalent.


class Distribution:
    """What distributions share."""

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return ()

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return ()

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> jax.Array:
        """The standard deviation."""
        return jnp.sqrt(self.variance)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        raise NotImplementedError(f"no gradient flows through the outcomes of {type(self).__name__}")

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        return jax.lax.stop_gradient(self.rsample(rngs, sample_shape))

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        classes = f"{type(self).__name__} from {type(other).__name__}"
        raise NotImplementedError(f"no formula for the divergence of {classes}")


def clamp_probs(probs: jax.Array) -> jax.Array:
    """Probabilities kept from 0 and 1 by the precision of their dtype."""
    eps = float(jnp.finfo(probs.dtype).eps)  # type: ignore[no-untyped-call]
    return jnp.clip(probs, eps, 1 - eps)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Categorical(Distribution):
    """Distributions over the indices of the last axis, given their `probs` or their unnormalised `logits`."""

    given_probs: Any = None
    given_logits: Any = None

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return self.probs.shape[:-1]

    @property
    def probs(self) -> jax.Array:
        """Probabilities whose sum is 1."""
        if self.given_probs is not None:
            return jnp.asarray(self.given_probs / self.given_probs.sum(-1, keepdims=True))
        return jax.nn.softmax(self.logits)

    @property
    def logits(self) -> jax.Array:
        """Logarithms of the probabilities."""
        if self.given_logits is not None:
            return jnp.asarray(self.given_logits - jax.nn.logsumexp(self.given_logits, axis=-1, keepdims=True))
        return jnp.log(clamp_probs(self.probs))

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome."""
        return self.probs.argmax(-1)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        return rngs.categorical(self.logits, shape=(*sample_shape, *self.batch_shape))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        index = value.astype(int)
        log_probs = self.logits
        shape = jnp.broadcast_shapes(index.shape, log_probs.shape[:-1])
        log_probs = jnp.broadcast_to(log_probs, (*shape, log_probs.shape[-1]))
        return jnp.take_along_axis(log_probs, jnp.broadcast_to(index, shape)[..., None], axis=-1)[..., 0]

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        log_probs = self.logits
        finite = jnp.nan_to_num(log_probs, nan=jnp.nan, posinf=jnp.inf)  # impossible outcomes count nothing
        return -(finite * self.probs).sum(-1)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each; infinite where an outcome is impossible for `other` alone."""
        if not isinstance(other, Categorical):
            return super().kl_divergence(other)
        p, q = self.probs, other.probs
        terms = p * (self.logits - other.logits)
        terms = jnp.where(q == 0, jnp.inf, terms)
        return jnp.where(p == 0, 0, terms).sum(-1)


def absolute(x: jax.Array) -> jax.Array:
    """|x| with the gradient 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


@jax.jit
def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """Gradients, scaled so that their norm all together is at most ``max_norm`` (up to the 1e-6 of PyTorch).

    `optax.clip_by_global_norm` divides by the norm alone, and leaves gradients below the limit as they are bit by bit.
    """
    scale = jnp.minimum(1.0, max_norm / (optax.tree.norm(grads) + 1e-6))
    return jax.tree.map(lambda grad: grad * scale, grads)


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


def legacy_tensor(data: Any, dtype: Any) -> jax.Array:
    """An array of `data`, or zeros of that length where it is an int: what `torch.FloatTensor(data)` makes.

    Raises TypeError for a tuple, which PyTorch takes as data, or as a shape if it is a `torch.Size`.
    """
    if isinstance(data, tuple):
        raise TypeError(f"is {data} data or a shape? write jnp.array(...) or jnp.zeros(...)")
    return jnp.zeros(data, dtype) if isinstance(data, int) else jnp.array(data, dtype)


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


batch_size = int(num_envs * num_steps)
minibatch_size = int(batch_size // num_minibatches)


class CartPole:
    """A pole that is balanced on a cart, as in Gym's classic control."""

    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.state = self.rng.uniform(-0.05, 0.05, size=4)
        self.steps = 0
        return self.state.copy()

    def step(self, action):
        x, x_dot, theta, theta_dot = self.state
        force = 10.0 if action == 1 else -10.0
        temp = (force + 0.05 * theta_dot**2 * math.sin(theta)) / 1.1
        theta_acc = (9.8 * math.sin(theta) - math.cos(theta) * temp) / (0.5 * (4 / 3 - 0.1 * math.cos(theta) ** 2 / 1.1))
        x_acc = temp - 0.05 * theta_acc * math.cos(theta) / 1.1
        self.state = self.state + 0.02 * np.array([x_dot, x_acc, theta_dot, theta_acc])
        self.steps += 1
        done = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.21 or self.steps >= 200
        return self.state.copy(), 1.0, done


class VectorEnv:
    """Several carts at once; one that is done starts again."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.envs = [CartPole(rng) for _ in range(count)]
        self.returns = []

    def reset(self):
        return np.stack([env.reset() for env in self.envs])

    def step(self, actions):
        observations, rewards, dones = [], [], []
        for env, action in zip(self.envs, actions):
            observation, reward, done = env.step(action)
            if done:
                self.returns.append(env.steps)
                observation = env.reset()
            observations.append(observation)
            rewards.append(reward)
            dones.append(done)
        return np.stack(observations), np.array(rewards), np.array(dones)


def layer_init(layer, std=np.sqrt(2), bias_const=0.0, *, rngs: nnx.Rngs):
    layer.kernel[...] = nnx.initializers.orthogonal(scale=std)(rngs.params(), layer.kernel.shape, layer.kernel.dtype)
    layer.bias[...] = jnp.full_like(layer.bias, bias_const)
    return layer


class Agent(nnx.Module):
    def __init__(self, num_observations, num_actions, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.critic = nnx.Sequential(
            layer_init(nnx.Linear(num_observations, 32, **fan_in_uniform(num_observations), rngs=rngs), rngs=rngs),
            nnx.tanh,
            layer_init(nnx.Linear(32, 32, **fan_in_uniform(32), rngs=rngs), rngs=rngs),
            nnx.tanh,
            layer_init(nnx.Linear(32, 1, **fan_in_uniform(32), rngs=rngs), std=1.0, rngs=rngs),
        )
        self.actor = nnx.Sequential(
            layer_init(nnx.Linear(num_observations, 32, **fan_in_uniform(num_observations), rngs=rngs), rngs=rngs),
            nnx.tanh,
            layer_init(nnx.Linear(32, 32, **fan_in_uniform(32), rngs=rngs), rngs=rngs),
            nnx.tanh,
            layer_init(nnx.Linear(32, num_actions, **fan_in_uniform(32), rngs=rngs), std=0.01, rngs=rngs),
        )

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action=None):
        logits = self.actor(x)
        probs = Categorical(given_logits=logits)
        if action is None:
            action = probs.sample(self.rngs)
        return action, probs.log_prob(action), probs.entropy(), self.critic(x)


@nnx.jit(graph=False)
def train_step(agent, optimizer, b_obs, mb_inds, b_actions, b_logprobs, b_advantages, b_returns, b_values):
    graphdef, params, rest = nnx.split(agent, nnx.Param, ...)

    def loss_fn(params, rest):
        agent = nnx.merge(graphdef, params, rest)

        _, newlogprob, entropy, newvalue = agent.get_action_and_value(
            b_obs[mb_inds], b_actions.astype(jnp.int32)[mb_inds]
        )
        logratio = newlogprob - b_logprobs[mb_inds]
        ratio = jnp.exp(logratio)

        mb_advantages = b_advantages[mb_inds]
        if norm_adv:
            mb_advantages = (mb_advantages - mb_advantages.mean()) / (safe_sqrt(mb_advantages.var(ddof=1)) + 1e-8)

        # Policy loss
        pg_loss1 = -mb_advantages * ratio
        pg_loss2 = -mb_advantages * clamp(ratio, min=1 - clip_coef, max=1 + clip_coef)
        pg_loss = jnp.maximum(pg_loss1, pg_loss2).mean()

        # Value loss
        newvalue = newvalue.reshape(-1)
        if clip_vloss:
            v_loss_unclipped = (newvalue - b_returns[mb_inds]) ** 2
            v_clipped = b_values[mb_inds] + clamp(newvalue - b_values[mb_inds], min=-clip_coef, max=clip_coef)
            v_loss_clipped = (v_clipped - b_returns[mb_inds]) ** 2
            v_loss_max = jnp.maximum(v_loss_unclipped, v_loss_clipped)
            v_loss = 0.5 * v_loss_max.mean()
        else:
            v_loss = 0.5 * ((newvalue - b_returns[mb_inds]) ** 2).mean()

        entropy_loss = entropy.mean()
        loss = pg_loss - ent_coef * entropy_loss + v_loss * vf_coef
        return loss, (logratio, ratio, pg_loss, v_loss, entropy_loss)

    (_, (logratio, ratio, pg_loss, v_loss, entropy_loss)), grads = nnx.value_and_grad(loss_fn, has_aux=True)(
        params, rest
    )
    grads = clip_by_norm(grads, max_grad_norm)
    optimizer.update(agent, grads)
    return logratio, ratio, pg_loss, v_loss, entropy_loss


if __name__ == "__main__":
    # seeding
    random.seed(seed)
    np.random.seed(seed)
    rngs = nnx.Rngs(seed)
    device = jax.devices()[0]

    # env setup
    envs = VectorEnv(num_envs, seed)

    agent = Agent(4, 2, rngs=rngs)
    optimizer = nnx.Optimizer(
        agent, optax.inject_hyperparams(optax.adam)(learning_rate=learning_rate, eps=1e-5), wrt=nnx.Param
    )

    # storage setup
    obs = jnp.zeros((num_steps, num_envs, 4))
    actions = jnp.zeros((num_steps, num_envs))
    logprobs = jnp.zeros((num_steps, num_envs))
    rewards = jnp.zeros((num_steps, num_envs))
    dones = jnp.zeros((num_steps, num_envs))
    values = jnp.zeros((num_steps, num_envs))

    # start the game
    global_step = 0
    next_obs = legacy_tensor(envs.reset(), jnp.float32)
    next_done = jnp.zeros((num_envs,))
    num_updates = total_timesteps // batch_size

    for update in range(1, num_updates + 1):
        # Annealing the rate if instructed to do so.
        if anneal_lr:
            frac = 1.0 - (update - 1.0) / num_updates
            lrnow = frac * learning_rate
            optimizer.opt_state.hyperparams["learning_rate"][...] = lrnow

        for step in range(0, num_steps):
            global_step += num_envs
            obs = obs.at[step].set(next_obs)
            dones = dones.at[step].set(next_done)

            # action logic
            action, logprob, _, value = agent.get_action_and_value(next_obs)
            values = values.at[step].set(value.reshape(-1))
            actions = actions.at[step].set(action)
            logprobs = logprobs.at[step].set(logprob)

            # execute the game and log data.
            next_obs, reward, done = envs.step(np.asarray(action))
            rewards = rewards.at[step].set(jnp.array(reward).reshape(-1))
            next_obs, next_done = legacy_tensor(next_obs, jnp.float32), legacy_tensor(done, jnp.float32)

        # bootstrap value if not done
        next_value = agent.get_value(next_obs).reshape(-1)
        advantages = jnp.zeros_like(rewards)
        lastgaelam = 0
        for t in reversed(range(num_steps)):
            if t == num_steps - 1:
                nextnonterminal = 1.0 - next_done
                nextvalues = next_value
            else:
                nextnonterminal = 1.0 - dones[t + 1]
                nextvalues = values[t + 1]
            delta = rewards[t] + gamma * nextvalues * nextnonterminal - values[t]
            value_ = delta + gamma * gae_lambda * nextnonterminal * lastgaelam
            advantages = advantages.at[t].set(value_)
            lastgaelam = value_
        returns = advantages + values

        # flatten the batch
        b_obs = obs.reshape(-1, 4)
        b_logprobs = logprobs.reshape(-1)
        b_actions = actions.reshape(-1)
        b_advantages = advantages.reshape(-1)
        b_returns = returns.reshape(-1)
        b_values = values.reshape(-1)

        # Optimizing the policy and value network
        b_inds = np.arange(batch_size)
        clipfracs = []
        for epoch in range(update_epochs):
            np.random.shuffle(b_inds)
            for start in range(0, batch_size, minibatch_size):
                end = start + minibatch_size
                mb_inds = b_inds[start:end]
                logratio, ratio, pg_loss, v_loss, entropy_loss = train_step(
                    agent, optimizer, b_obs, mb_inds, b_actions, b_logprobs, b_advantages, b_returns, b_values
                )

                # calculate approx_kl http://joschu.net/blog/kl-approx.html
                old_approx_kl = (-logratio).mean()
                approx_kl = ((ratio - 1) - logratio).mean()
                clipfracs += [(absolute(ratio - 1.0) > clip_coef).astype(jnp.float32).mean().item()]

            if target_kl is not None:
                if approx_kl > target_kl:
                    break

        y_pred, y_true = np.asarray(b_values), np.asarray(b_returns)
        var_y = np.var(y_true)
        explained_var = np.nan if var_y == 0 else 1 - np.var(y_true - y_pred) / var_y

        print(
            f"step {global_step}: return {np.mean(envs.returns[-10:]):.1f}, policy loss {pg_loss.item():.5f}, "
            f"value loss {v_loss.item():.5f}, entropy {entropy_loss.item():.5f}, kl {approx_kl.item():.6f}, "
            f"old kl {old_approx_kl.item():.6f}, clipped {np.mean(clipfracs):.4f}, explained {explained_var:.4f}"
        )
