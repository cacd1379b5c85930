"""What a trained detector costs: one part of a measurement a module, independent of each other."""
