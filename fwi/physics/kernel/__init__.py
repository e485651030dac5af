"""The compiled kernel: exact and fast on the processor."""
