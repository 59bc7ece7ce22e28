"""Forecast a noisy sine: an LSTM on windows, early stopping on the validation loss, the best weights are kept."""

import copy

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
WINDOW = 12

t = torch.arange(0, 400, dtype=torch.float32)
series = torch.sin(0.2 * t) + 0.05 * torch.randn(400)


def make_windows(series, window):
    X, y = [], []
    for i in range(len(series) - window):
        X.append(series[i : i + window])
        y.append(series[i + window])
    return torch.stack(X).unsqueeze(-1), torch.stack(y).unsqueeze(-1)


X, y = make_windows(series, WINDOW)
split = int(0.8 * len(X))
train_loader = DataLoader(TensorDataset(X[:split], y[:split]), batch_size=32, shuffle=True)
X_val, y_val = X[split:], y[split:]


class Forecaster(nn.Module):
    def __init__(self, hidden_size=10):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1])


model = Forecaster()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1)

best_loss, best_state, patience, waited = float("inf"), None, 3, 0
for epoch in range(6):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        train_loss += loss.item() * xb.size(0)
    train_loss /= split

    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(X_val), y_val).item()
    scheduler.step(val_loss)
    print(f"epoch {epoch}: train {train_loss:.5f} val {val_loss:.5f} lr {optimizer.param_groups[0]['lr']:.4f}")

    if val_loss < best_loss:
        best_loss, waited = val_loss, 0
        best_state = copy.deepcopy(model.state_dict())
    else:
        waited += 1
        if waited >= patience:
            print("early stopping")
            break

model.load_state_dict(best_state)
with torch.no_grad():
    forecast = model(X_val).squeeze(-1)
print(f"best {best_loss:.5f}, mean of the forecast {forecast.mean().item():.4f}")
