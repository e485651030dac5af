"""The exact scheme as torch operations, on any device."""
