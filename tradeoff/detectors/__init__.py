"""Floor 3: meta-architectures; a detector receives an extractor, it does not import one."""
