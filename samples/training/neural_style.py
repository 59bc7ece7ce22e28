"""Neural style transfer after Gatys et al.: the pixels of an image are optimised, by L-BFGS and then by Adam."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(0)

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
image_size = 16
content_weight = 1.0
style_weight = 1e3
tv_weight = 1e-3


class VGGFeatures(nn.Module):
    """The first slices of a small VGG. Its weights are random here, as nothing is downloaded."""

    def __init__(self, requires_grad=False):
        super().__init__()
        self.slice1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.slice2 = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2, 2))
        self.slice3 = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.ReLU())
        self.slice4 = nn.Sequential(nn.Conv2d(12, 12, 3, padding=1), nn.ReLU())
        if not requires_grad:
            for param in self.parameters():
                param.requires_grad = False

    def forward(self, x):
        relu1 = self.slice1(x)
        relu2 = self.slice2(relu1)
        relu3 = self.slice3(relu2)
        relu4 = self.slice4(relu3)
        return [relu1, relu2, relu3, relu4]


def gram_matrix(features):
    b, c, h, w = features.size()
    features = features.view(b, c, h * w)
    gram = torch.bmm(features, features.transpose(1, 2))
    return gram / (c * h * w)


def total_variation(img):
    horizontal = (img[:, :, :, 1:] - img[:, :, :, :-1]).pow(2).sum()
    vertical = (img[:, :, 1:, :] - img[:, :, :-1, :]).pow(2).sum()
    return horizontal + vertical


def picture(kind):
    """A synthetic image: a disc as the content, waves as the style."""
    ramp = torch.linspace(-1, 1, image_size)
    y, x = ramp.view(-1, 1), ramp.view(1, -1)
    if kind == "disc":
        inside = torch.sigmoid(8 * (0.6 - torch.sqrt(x**2 + y**2)))
        channels = [inside, 0.7 * inside, 1 - inside]
    else:
        wave = 0.5 + 0.5 * torch.sin(9 * x + 4 * y)
        channels = [wave, wave**2, 1 - wave]
    return torch.stack(channels).unsqueeze(0).to(device)


def style_transfer_loss(vgg, img, content_target, style_targets):
    features = vgg(img)
    content_loss = F.mse_loss(features[3], content_target)
    style_loss = 0.0
    for feature, target in zip(features, style_targets):
        style_loss += F.mse_loss(gram_matrix(feature), target)
    return content_weight * content_loss + style_weight * style_loss + tv_weight * total_variation(img)


def run_lbfgs(vgg, content_img, content_target, style_targets, num_steps=40):
    input_img = content_img.clone().requires_grad_(True)
    optimizer = optim.LBFGS([input_img], max_iter=10)
    run = 0
    while run < num_steps:

        def closure():
            nonlocal run
            optimizer.zero_grad()
            loss = style_transfer_loss(vgg, input_img, content_target, style_targets)
            loss.backward()
            run += 1
            return loss

        loss = optimizer.step(closure)
        # correct the values of the updated image
        with torch.no_grad():
            input_img.clamp_(0, 1)
        print(f"L-BFGS run {run}: loss {loss.item():.6f}")
    return input_img.detach()


def run_adam(vgg, content_img, content_target, style_targets, num_steps=40):
    # start from the content image with some noise
    noise = torch.randn_like(content_img)
    input_img = (content_img + 0.1 * noise).clamp(0, 1).requires_grad_(True)
    optimizer = optim.Adam([input_img], lr=0.02)
    for step in range(1, num_steps + 1):
        loss = style_transfer_loss(vgg, input_img, content_target, style_targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            input_img.clamp_(0, 1)
        if step % 10 == 0:
            print(f"Adam step {step}: loss {loss.item():.6f}")
    return input_img.detach()


def main():
    vgg = VGGFeatures().to(device).eval()
    content_img = picture("disc")
    style_img = picture("waves")
    with torch.no_grad():
        content_target = vgg(content_img)[3]
        style_targets = [gram_matrix(feature) for feature in vgg(style_img)]

    output = run_lbfgs(vgg, content_img, content_target, style_targets)
    print(f"mean of the image by L-BFGS: {output.mean().item():.4f}")
    output = run_adam(vgg, content_img, content_target, style_targets)
    print(f"mean of the image by Adam: {output.mean().item():.4f}")


if __name__ == "__main__":
    main()
