"""Speed/accuracy trade-offs of object detectors, measured in one implementation."""
