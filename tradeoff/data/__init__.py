"""Floor 2: data sets, transforms and the loader."""
