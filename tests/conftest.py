"""What all tests share: processes keep to one thread, so that those beside each other do not fight for cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
