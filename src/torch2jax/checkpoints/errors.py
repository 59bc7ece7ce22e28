"""What can go wrong with a checkpoint, as text for the user."""


class CheckpointError(Exception):
    """A checkpoint that can't be read or written; the message is one sentence: what, where, and what to do."""


class UnfitError(Exception):
    """A checkpoint that does not fit the model; the message lists what is missing, unexpected or of another shape."""
