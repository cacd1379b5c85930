"""East wing: reads rows only; no torch."""
