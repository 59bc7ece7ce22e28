"""Model-agnostic meta-learning of sine waves: second derivatives through an inner loop with fast weights."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

np.random.seed(0)
torch.manual_seed(0)

k_shot = 10
meta_batch_size = 4
inner_lr = 0.01
inner_steps = 3
meta_lr = 1e-3
num_iterations = 60


class SineTask:
    """A sine wave of its own amplitude and phase."""

    def __init__(self):
        self.amplitude = np.random.uniform(0.1, 5.0)
        self.phase = np.random.uniform(0, np.pi)

    def sample(self, size):
        x = np.random.uniform(-5.0, 5.0, size=(size, 1))
        y = self.amplitude * np.sin(x + self.phase)
        return torch.from_numpy(x).float(), torch.from_numpy(y).float()


class Learner(nn.Module):
    """A network whose weights can be given with each call."""

    def __init__(self, hidden=24):
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(hidden, 1))
        self.b1 = nn.Parameter(torch.zeros(hidden))
        self.w2 = nn.Parameter(torch.empty(hidden, hidden))
        self.b2 = nn.Parameter(torch.zeros(hidden))
        self.w3 = nn.Parameter(torch.empty(1, hidden))
        self.b3 = nn.Parameter(torch.zeros(1))
        for weight in (self.w1, self.w2, self.w3):
            nn.init.kaiming_normal_(weight)

    def forward(self, x, weights=None):
        if weights is None:
            weights = [self.w1, self.b1, self.w2, self.b2, self.w3, self.b3]
        x = torch.tanh(F.linear(x, weights[0], weights[1]))
        x = torch.tanh(F.linear(x, weights[2], weights[3]))
        return F.linear(x, weights[4], weights[5])


def adapt(model, x, y):
    """Fast weights after a few steps on the support set; the graph is kept for the outer derivative."""
    fast_weights = [param.clone() for param in model.parameters()]
    for _ in range(inner_steps):
        loss = F.mse_loss(model(x, fast_weights), y)
        grads = torch.autograd.grad(loss, fast_weights, create_graph=True)
        fast_weights = [w - inner_lr * g for w, g in zip(fast_weights, grads)]
    return fast_weights


def meta_train(model, optimizer):
    for iteration in range(num_iterations):
        meta_loss = 0.0
        tasks = []
        for _ in range(meta_batch_size):
            task = SineTask()
            tasks.append((task.sample(k_shot), task.sample(k_shot)))

        for (x_spt, y_spt), (x_qry, y_qry) in tasks:
            fast_weights = adapt(model, x_spt, y_spt)
            meta_loss += F.mse_loss(model(x_qry, fast_weights), y_qry)
        meta_loss = meta_loss / meta_batch_size

        optimizer.zero_grad()
        meta_loss.backward()
        optimizer.step()

        if iteration % 10 == 0:
            print(f"iteration {iteration}: meta loss {meta_loss.item():.5f}")


def evaluate(model):
    """The loss on a new task before and after adaptation."""
    task = SineTask()
    x, y = task.sample(k_shot)
    x_test, y_test = task.sample(50)
    before = F.mse_loss(model(x_test), y_test)
    after = F.mse_loss(model(x_test, adapt(model, x, y)), y_test)
    print(f"new task: loss {before.item():.5f} before, {after.item():.5f} after adaptation")


model = Learner()
optimizer = optim.Adam(model.parameters(), lr=meta_lr)
meta_train(model, optimizer)
evaluate(model)
