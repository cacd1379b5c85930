"""Floor 4: train, predict, evaluate, measure: each computes one cached folder."""
