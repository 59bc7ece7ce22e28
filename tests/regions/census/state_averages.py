"""States that are averaged, and put into a model in part."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.bn = nn.BatchNorm1d(8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.bn(self.fc1(x.flatten(1)))))


def build():
    return (Net(),)


def local_update(model, x, y):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return model.state_dict(), loss.item()


def average(states):
    """Federated averaging."""
    mean = copy.deepcopy(states[0])
    for k in mean.keys():
        for i in range(1, len(states)):
            mean[k] += states[i][k]
        mean[k] = torch.div(mean[k], len(states))
    return mean


def load_part(model, pretrained):
    own = model.state_dict()
    fitting = {k: v for k, v in pretrained.items() if k in own and v.shape == own[k].shape}
    own.update(fitting)
    model.load_state_dict(own)
    return len(fitting)


def train(model, inputs, labels):
    losses = []
    for _ in range(2):
        states = []
        for x, y in zip(inputs, labels):
            state, loss = local_update(copy.deepcopy(model), x, y)
            states.append(copy.deepcopy(state))
            losses.append(loss)
        model.load_state_dict(average(states))
    part = copy.deepcopy(model)
    with torch.no_grad():
        for p in part.parameters():
            p.zero_()
    loaded = load_part(part, {k: v for k, v in model.state_dict().items() if "fc2" not in k and v.dim() > 0})
    return [*losses, *[p.sum().item() for p in part.parameters()], loaded]


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
