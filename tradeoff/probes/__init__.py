"""Floor 3: measure a callable; know no detector."""
