"""Floor 0: errors, rows, the store, the machine and child processes; no torch."""
