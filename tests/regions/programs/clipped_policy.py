"""Proximal policy optimisation: a rollout without gradients, then epochs of minibatches with clipped ratios."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(50, 8), nn.Tanh(), nn.Linear(8, 3))
        self.critic = nn.Sequential(nn.Linear(50, 8), nn.Tanh(), nn.Linear(8, 1))

    def evaluate(self, x, action):
        policy = Categorical(logits=self.actor(x))
        return policy.log_prob(action), policy.entropy(), self.critic(x).squeeze(-1)


def build():
    return (Agent(),)


def train(agent, inputs, actions):
    optimizer = torch.optim.Adam(agent.parameters(), lr=0.01, eps=1e-5)
    clip_value, losses = True, []
    for obs, action in zip(inputs, actions):
        obs = obs.flatten(1)
        rewards = (obs[:, 0] > 0).to(obs.dtype)
        with torch.no_grad():
            old_logprob, _, old_value = agent.evaluate(obs, action)
            advantages, last = torch.zeros_like(rewards), 0.0
            for t in reversed(range(len(rewards))):
                following = old_value[t + 1] if t + 1 < len(rewards) else 0.0
                last = rewards[t] + 0.99 * following - old_value[t] + 0.9 * last
                advantages[t] = last
            returns = advantages + old_value

        indices = np.arange(len(obs))
        for epoch in range(2):
            for start in range(0, len(obs), 3):
                batch = indices[start : start + 3]
                logprob, entropy, value = agent.evaluate(obs[batch], action[batch])
                ratio = (logprob - old_logprob[batch]).exp()
                with torch.no_grad():
                    clipped = ((ratio - 1).abs() > 0.2).float().mean().item()

                adv = advantages[batch]
                adv = (adv - adv.mean()) / (adv.std() + 1e-8)
                policy_loss = torch.max(-adv * ratio, -adv * ratio.clamp(0.8, 1.2)).mean()
                if clip_value:
                    near = old_value[batch] + (value - old_value[batch]).clamp(-0.2, 0.2)
                    errors = torch.max((value - returns[batch]) ** 2, (near - returns[batch]) ** 2)
                    value_loss = 0.5 * errors.mean()
                else:
                    value_loss = 0.5 * ((value - returns[batch]) ** 2).mean()
                loss = policy_loss + 0.5 * value_loss - 0.01 * entropy.mean()

                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
                losses += [loss.item(), value_loss.item(), clipped]
    return losses
