"""Floor 1: tensor structures and pure tensor functions."""
