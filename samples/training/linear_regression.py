"""Fit a line through noisy points."""

import torch
import torch.nn as nn

torch.manual_seed(0)

# data: y = 3 x - 2 with noise
x = torch.linspace(-1, 1, 64).unsqueeze(1)
y = 3 * x - 2 + 0.1 * torch.randn(x.size())


class LinearRegression(nn.Module):
    def __init__(self, input_dim, output_dim):
        super(LinearRegression, self).__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return self.linear(x)


model = LinearRegression(1, 1)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

num_epochs = 1000
for epoch in range(num_epochs):
    # forward pass
    outputs = model(x)
    loss = criterion(outputs, y)

    # backward pass and update
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if (epoch + 1) % 100 == 0:
        print("Epoch [{}/{}], Loss: {:.4f}".format(epoch + 1, num_epochs, loss.item()))

weight = model.linear.weight.item()
bias = model.linear.bias.item()
print(f"y = {weight:.3f} x + {bias:.3f}")
predicted = model(x).detach().numpy()
