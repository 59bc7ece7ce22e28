"""Images become vectors and sequences and come back."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, c=2, width=4, h=6, w=5, classes=3):
        super().__init__()
        self.conv = nn.Conv2d(c, width, 3, padding=1)
        self.bn = nn.BatchNorm2d(width)
        self.rnn = nn.LSTM(width * h, 7, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(width * h * w, classes)
        self.up = nn.ConvTranspose2d(classes, width, (h, w))
        self.refine = nn.Conv2d(2 * width, c, 1)

    def forward(self, x):
        f = F.relu(self.bn(self.conv(x)))
        b, c, h, w = f.shape
        seq = f.permute(0, 3, 1, 2).reshape(b, w, c * h)
        seq, _ = self.rnn(seq)
        logits = self.fc(f.view(b, -1))
        up = self.up(logits[:, :, None, None])
        image = self.refine(torch.cat([f, up], 1))
        columns = F.unfold(image, kernel_size=2, stride=1)
        rows = f[:, :, 0].transpose(1, 2)
        return seq, logits, image, columns, rows
