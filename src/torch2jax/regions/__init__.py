"""Gradient regions: the statements from a forward pass to the update of its parameters, found by their data flow."""
