"""Floor 3: feature extractors."""
