"""What all tests share: child processes keep to one thread, so that tests beside each other do not fight for cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
