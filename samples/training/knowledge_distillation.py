"""A small network learns from a larger one: soft targets at a temperature beside the labels."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
T = 2.0
soft_target_loss_weight = 0.25
ce_loss_weight = 0.75
NUM_CLASSES = 4

centers = 1.5 * torch.randn(NUM_CLASSES, 10)


def make_dataset(count):
    labels = torch.randint(0, NUM_CLASSES, (count,))
    return TensorDataset(centers[labels] + torch.randn(count, 10), labels)


train_loader = DataLoader(make_dataset(240), batch_size=16, shuffle=True)
test_loader = DataLoader(make_dataset(64), batch_size=16, shuffle=False)


class Teacher(nn.Module):
    def __init__(self, num_classes=NUM_CLASSES):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(24, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x))


class Student(nn.Module):
    def __init__(self, num_classes=NUM_CLASSES):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, 8), nn.ReLU())
        self.classifier = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.classifier(self.features(x))


def train(model, train_loader, epochs, learning_rate):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=learning_rate)

    model.train()
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / len(train_loader)}")


def train_knowledge_distillation(teacher, student, train_loader, epochs, learning_rate):
    ce_loss = nn.CrossEntropyLoss()
    optimizer = optim.Adam(student.parameters(), lr=learning_rate)

    teacher.eval()  # teacher set to evaluation mode
    student.train()  # student to train mode

    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()

            # forward pass with the teacher model: its weights are not changed
            with torch.no_grad():
                teacher_logits = teacher(inputs)

            # forward pass with the student model
            student_logits = student(inputs)

            # soften the student logits by applying softmax first and log() second
            soft_targets = nn.functional.softmax(teacher_logits / T, dim=-1)
            soft_prob = nn.functional.log_softmax(student_logits / T, dim=-1)

            # the soft targets loss, scaled by T**2 as suggested by the authors of the paper
            soft_targets_loss = torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * (T**2)

            # the true label loss
            label_loss = ce_loss(student_logits, labels)

            # weighted sum of the two losses
            loss = soft_target_loss_weight * soft_targets_loss + ce_loss_weight * label_loss

            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {running_loss / len(train_loader)}")


@torch.no_grad()
def test(model, test_loader):
    model.eval()
    correct, total = 0, 0
    for inputs, labels in test_loader:
        _, predicted = torch.max(model(inputs).data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
    accuracy = 100 * correct / total
    print(f"Test Accuracy: {accuracy:.2f}%")
    return accuracy


teacher = Teacher()
train(teacher, train_loader, epochs=2, learning_rate=0.005)
test_accuracy_deep = test(teacher, test_loader)

student = Student()
train_knowledge_distillation(teacher, student, train_loader, epochs=2, learning_rate=0.01)
test_accuracy_student = test(student, test_loader)
print(f"Teacher accuracy: {test_accuracy_deep:.2f}%, student accuracy: {test_accuracy_student:.2f}%")
