"""Q-learning: a target network under no_grad in front of the loss, rows chosen by gather."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Q(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(50, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, x):
        return self.net(x)


class Agent:
    def __init__(self, policy, target, gamma=0.9):
        self.policy = policy
        self.target = target
        self.gamma = gamma
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=0.003)

    def learn(self, states, actions, next_states, rewards):
        with torch.no_grad():
            best = self.policy(next_states).argmax(1, keepdim=True)
            targets = rewards + self.gamma * self.target(next_states).gather(1, best).squeeze(1)
        q = self.policy(states).gather(1, actions.unsqueeze(1)).squeeze(1)
        loss = F.smooth_l1_loss(q, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def build():
    return Q(), Q()


def train(policy, target, inputs, labels):
    agent = Agent(policy, target)
    losses = []
    for epoch in range(6):
        for x, y in zip(inputs, labels):
            states = x.flatten(1)
            losses.append(agent.learn(states, y, states.flip(0), states.mean(1)))
    return losses
