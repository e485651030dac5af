"""What every engine shares: maps and their padding, wavelet, sponge, stable time step."""
