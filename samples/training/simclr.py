"""SimCLR: contrastive pre-training on two augmented views of each image, then a linear classifier on the features."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

torch.manual_seed(42)

NUM_CLASSES = 4
batch_size = 16
n_views = 2
temperature = 0.5
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


class GaussianNoise:
    def __init__(self, std):
        self.std = std

    def __call__(self, img):
        return img + self.std * torch.randn_like(img)


class RandomFlip:
    def __call__(self, img):
        if torch.rand(1).item() < 0.5:
            return torch.flip(img, [2])
        return img


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for t in self.transforms:
            img = t(img)
        return img


class ContrastiveLearningViewGenerator:
    """Take two random crops of one image as the query and key."""

    def __init__(self, base_transform, n_views=2):
        self.base_transform = base_transform
        self.n_views = n_views

    def __call__(self, x):
        return [self.base_transform(x) for _ in range(self.n_views)]


class Patterns(Dataset):
    """Noisy images of four patterns."""

    def __init__(self, count, transform=None):
        self.labels = torch.arange(count) % NUM_CLASSES
        base = torch.randn(NUM_CLASSES, 3, 8, 8)
        self.images = base[self.labels] + 0.5 * torch.randn(count, 3, 8, 8)
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, label = self.images[index], self.labels[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, label


class Encoder(nn.Module):
    def __init__(self, feature_dim=16):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(3, 8, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, feature_dim, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(feature_dim),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((1, 1)),
        )

    def forward(self, x):
        x = self.conv(x)
        return torch.flatten(x, start_dim=1)


class SimCLRModel(nn.Module):
    def __init__(self, encoder, feature_dim=16, projection_dim=8):
        super().__init__()
        self.encoder = encoder
        self.projector = nn.Sequential(
            nn.Linear(feature_dim, feature_dim, bias=False), nn.ReLU(), nn.Linear(feature_dim, projection_dim, bias=False)
        )

    def forward(self, x):
        h = self.encoder(x)
        return self.projector(h)


class SimCLR:
    def __init__(self, model, optimizer, scheduler, epochs):
        self.model = model.to(device)
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.epochs = epochs
        self.criterion = torch.nn.CrossEntropyLoss().to(device)

    def info_nce_loss(self, features):
        labels = torch.cat([torch.arange(features.shape[0] // n_views) for i in range(n_views)], dim=0)
        labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
        labels = labels.to(device)

        features = F.normalize(features, dim=1)

        similarity_matrix = torch.matmul(features, features.T)

        # discard the main diagonal from both: labels and similarities matrix
        mask = torch.eye(labels.shape[0], dtype=torch.bool).to(device)
        labels = labels[~mask].view(labels.shape[0], -1)
        similarity_matrix = similarity_matrix[~mask].view(similarity_matrix.shape[0], -1)

        # select and combine multiple positives
        positives = similarity_matrix[labels.bool()].view(labels.shape[0], -1)

        # select only the negatives
        negatives = similarity_matrix[~labels.bool()].view(similarity_matrix.shape[0], -1)

        logits = torch.cat([positives, negatives], dim=1)
        labels = torch.zeros(logits.shape[0], dtype=torch.long).to(device)

        logits = logits / temperature
        return logits, labels

    def train(self, train_loader):
        n_iter = 0
        for epoch_counter in range(self.epochs):
            top1 = 0.0
            for images, _ in train_loader:
                images = torch.cat(images, dim=0)
                images = images.to(device)

                features = self.model(images)
                logits, labels = self.info_nce_loss(features)
                loss = self.criterion(logits, labels)

                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()

                top1 += (logits.argmax(dim=1) == labels).float().mean().item()
                if n_iter % 10 == 0:
                    print(f"iter {n_iter} loss {loss.item():.4f} lr {self.scheduler.get_last_lr()[0]:.5f}")
                n_iter += 1

            # warmup for the first epoch
            if epoch_counter >= 1:
                self.scheduler.step()
            print(f"Epoch: {epoch_counter}\tTop1 accuracy: {top1 / len(train_loader):.3f}")


def linear_evaluation(encoder, epochs=2):
    """A linear classifier on frozen features."""
    loader = DataLoader(Patterns(64), batch_size=16, shuffle=True)
    for param in encoder.parameters():
        param.requires_grad = False
    encoder.eval()
    classifier = nn.Linear(16, NUM_CLASSES).to(device)
    optimizer = torch.optim.SGD(classifier.parameters(), lr=0.5, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        total_loss, correct, total = 0.0, 0, 0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            with torch.no_grad():
                features = encoder(images)
            outputs = classifier(features)
            loss = criterion(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * labels.size(0)
            correct += (outputs.argmax(1) == labels).sum().item()
            total += labels.size(0)
        print(f"linear epoch {epoch}: loss {total_loss / total:.4f} accuracy {correct / total:.3f}")


transform = ContrastiveLearningViewGenerator(Compose([RandomFlip(), GaussianNoise(0.2)]), n_views)
train_dataset = Patterns(224, transform)
train_loader = DataLoader(train_dataset, batch_size=batch_size, shuffle=True, drop_last=True)

model = SimCLRModel(Encoder())
optimizer = torch.optim.Adam(model.parameters(), 0.003, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=len(train_loader), eta_min=0, last_epoch=-1)
simclr = SimCLR(model=model, optimizer=optimizer, scheduler=scheduler, epochs=3)
simclr.train(train_loader)
linear_evaluation(model.encoder)
