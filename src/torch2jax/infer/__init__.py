"""Abstract interpretation of a project: what each expression is, and in which axis order its data lies."""
