"""Checkpoint files: PyTorch's to those of the translated model, and back."""
