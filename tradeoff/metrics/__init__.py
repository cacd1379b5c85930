"""Floor 3: pure functions of saved predictions."""
