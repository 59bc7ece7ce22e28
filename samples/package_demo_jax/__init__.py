"""A small audio-event detector, split over files the way a research package is."""

from .blocks import ConvBlock, EncoderBlock
from .layers import ACTIVATIONS, MelScale
from .model import Config, EventDetector, build_model

__version__ = "0.1.0"
__all__ = ["ACTIVATIONS", "Config", "ConvBlock", "EncoderBlock", "EventDetector", "MelScale", "build_model"]
