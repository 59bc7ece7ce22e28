"""What torch computes on data sets, in NumPy: see `functions` and `methods`; read as text by `numpy_calls`."""
