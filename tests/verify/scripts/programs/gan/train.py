import torch
from torch import nn

torch.manual_seed(1)
criterion = nn.BCELoss()
generator = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 2))
discriminator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(8, 1), nn.Sigmoid())
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.01, betas=(0.5, 0.999))
for step in range(8):
    real = torch.randn(6, 2) + 3
    discriminator.zero_grad()
    loss_real = criterion(discriminator(real), torch.ones(6, 1))
    loss_real.backward()
    noise = torch.randn(6, 4)
    fake = generator(noise)
    loss_fake = criterion(discriminator(fake.detach()), torch.zeros(6, 1))
    loss_fake.backward()
    optimizer_d.step()
    generator.zero_grad()
    loss_g = criterion(discriminator(fake), torch.ones(6, 1))
    loss_g.backward()
    optimizer_g.step()
    print(f"[{step}] D: {loss_real.item() + loss_fake.item():.4f} G: {loss_g.item():.4f}")
