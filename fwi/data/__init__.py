"""Where the samples are, and how they are read."""
