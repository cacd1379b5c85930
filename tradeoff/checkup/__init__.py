"""Floor 4: does this machine measure right? Known work for the probes, one kind of check a module."""
