"""Floor 0: what can be asked for, one frozen dataclass per thing; no torch."""
