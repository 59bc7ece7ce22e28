"""Deep Q-learning with a replay memory and a target network, in a small corridor with the reward at its end."""

import math
import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

random.seed(0)
torch.manual_seed(0)

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


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super().__init__()
        self.layer1 = nn.Linear(n_observations, 24)
        self.layer2 = nn.Linear(24, 24)
        self.layer3 = nn.Linear(24, n_actions)

    def forward(self, x):
        x = F.relu(self.layer1(x))
        x = F.relu(self.layer2(x))
        return self.layer3(x)


n_actions = 2
policy_net = DQN(Corridor.length, n_actions)
target_net = DQN(Corridor.length, n_actions)
target_net.load_state_dict(policy_net.state_dict())
target_net.eval()

optimizer = optim.AdamW(policy_net.parameters(), lr=LR, amsgrad=True)
memory = ReplayMemory(500)
steps_done = 0


def select_action(state):
    global steps_done
    eps_threshold = EPS_END + (EPS_START - EPS_END) * math.exp(-1.0 * steps_done / EPS_DECAY)
    steps_done += 1
    if random.random() > eps_threshold:
        with torch.no_grad():
            return policy_net(torch.from_numpy(state).unsqueeze(0)).max(1)[1].item()
    return random.randrange(n_actions)


def optimize_model():
    if len(memory) < BATCH_SIZE:
        return None
    transitions = memory.sample(BATCH_SIZE)
    batch = Transition(*zip(*transitions))

    state_batch = torch.from_numpy(np.stack(batch.state))
    next_state_batch = torch.from_numpy(np.stack(batch.next_state))
    action_batch = torch.tensor(batch.action).unsqueeze(1)
    reward_batch = torch.tensor(batch.reward, dtype=torch.float32)
    done_batch = torch.tensor(batch.done, dtype=torch.float32)

    # Compute Q(s_t, a): the columns of the actions that were taken
    state_action_values = policy_net(state_batch).gather(1, action_batch).squeeze(1)

    # Compute V(s_{t+1}) for all next states, from the older target network
    with torch.no_grad():
        next_state_values = target_net(next_state_batch).max(1)[0]
    expected_state_action_values = reward_batch + GAMMA * next_state_values * (1 - done_batch)

    # Compute Huber loss
    loss = F.smooth_l1_loss(state_action_values, expected_state_action_values)

    # Optimize the model
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
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
        target_net.load_state_dict(policy_net.state_dict())
