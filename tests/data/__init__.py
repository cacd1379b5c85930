"""The data sets, what is done to their images, and how they are read."""
