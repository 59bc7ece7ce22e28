"""Super-resolution with sub-pixel convolutions (ESPCN), with PSNR on a validation set and a checkpoint of the best epoch."""

import argparse
import os
from math import log10

import torch
import torch.nn as nn
import torch.nn.init as init
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset

# Training settings
parser = argparse.ArgumentParser(description="PyTorch Super Res Example")
parser.add_argument("--upscale_factor", type=int, default=2, help="super resolution upscale factor")
parser.add_argument("--batchSize", type=int, default=4, help="training batch size")
parser.add_argument("--testBatchSize", type=int, default=5, help="testing batch size")
parser.add_argument("--nEpochs", type=int, default=3, help="number of epochs to train for")
parser.add_argument("--lr", type=float, default=0.005, help="Learning Rate. Default=0.01")
parser.add_argument("--seed", type=int, default=123, help="random seed to use. Default=123")
opt = parser.parse_args()

print(opt)

torch.manual_seed(opt.seed)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class SmoothImages(Dataset):
    """Gray images of waves, and the same at a lower resolution."""

    def __init__(self, count, size, upscale_factor):
        super(SmoothImages, self).__init__()
        y = torch.linspace(0, 1, size).view(1, size, 1)
        x = torch.linspace(0, 1, size).view(1, 1, size)
        freq = 2 + 6 * torch.rand(count, 2, 1, 1)
        phase = 6.28 * torch.rand(count, 1, 1)
        waves = torch.sin(freq[:, 0] * x + freq[:, 1] * y + phase)
        self.targets = (0.5 + 0.5 * waves).unsqueeze(1)
        self.inputs = nn.functional.avg_pool2d(self.targets, upscale_factor)

    def __getitem__(self, index):
        return self.inputs[index], self.targets[index]

    def __len__(self):
        return len(self.targets)


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super(Net, self).__init__()

        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(16, 12, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(12, 8, (3, 3), (1, 1), (1, 1))
        self.conv4 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)

        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        x = self.pixel_shuffle(self.conv4(x))
        return x

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv4.weight)


print("===> Loading datasets")
train_set = SmoothImages(72, 12, opt.upscale_factor)
test_set = SmoothImages(10, 12, opt.upscale_factor)
training_data_loader = DataLoader(dataset=train_set, batch_size=opt.batchSize, shuffle=True)
testing_data_loader = DataLoader(dataset=test_set, batch_size=opt.testBatchSize, shuffle=False)

print("===> Building model")
model = Net(upscale_factor=opt.upscale_factor).to(device)
criterion = nn.MSELoss()

optimizer = optim.Adam(model.parameters(), lr=opt.lr)


def train(epoch):
    epoch_loss = 0
    for iteration, batch in enumerate(training_data_loader, 1):
        input, target = batch[0].to(device), batch[1].to(device)

        optimizer.zero_grad()
        loss = criterion(model(input), target)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()

        if iteration % 6 == 0:
            print("===> Epoch[{}]({}/{}): Loss: {:.4f}".format(epoch, iteration, len(training_data_loader), loss.item()))

    print("===> Epoch {} Complete: Avg. Loss: {:.4f}".format(epoch, epoch_loss / len(training_data_loader)))


def test():
    avg_psnr = 0
    with torch.no_grad():
        for batch in testing_data_loader:
            input, target = batch[0].to(device), batch[1].to(device)

            prediction = model(input)
            mse = criterion(prediction, target)
            psnr = 10 * log10(1 / mse.item())
            avg_psnr += psnr
    avg_psnr /= len(testing_data_loader)
    print("===> Avg. PSNR: {:.4f} dB".format(avg_psnr))
    return avg_psnr


def checkpoint(epoch):
    os.makedirs("checkpoints", exist_ok=True)
    model_out_path = os.path.join("checkpoints", "model_best.pth")
    torch.save({"epoch": epoch, "model": model.state_dict()}, model_out_path)
    print("Checkpoint saved to {}".format(model_out_path))


best_psnr = 0.0
for epoch in range(1, opt.nEpochs + 1):
    train(epoch)
    psnr = test()
    if psnr > best_psnr:
        best_psnr = psnr
        checkpoint(epoch)

saved = torch.load(os.path.join("checkpoints", "model_best.pth"))
model.load_state_dict(saved["model"])
print("Best epoch: {}".format(saved["epoch"]))
test()
