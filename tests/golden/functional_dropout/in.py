import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, d=6, dropout=0.5, input_dropout=0.2):
        super(Net, self).__init__()
        self.dropout = dropout
        self.fc = nn.Linear(d, d)
        self.drop = nn.Dropout(p=input_dropout)
        self.drop2d = nn.Dropout2d(dropout)

    def forward(self, x):
        x = self.drop(x)
        h = F.dropout(F.relu(self.fc(x)), p=self.dropout, training=self.training)
        h = F.dropout(h, self.dropout, self.training)
        h = self.drop2d(h[:, :, None, None]).squeeze(-1).squeeze(-1)
        if self.training:
            h = h * 1.5
        return F.dropout(h, training=False)
