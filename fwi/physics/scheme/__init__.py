"""What every engine shares: the wavelet, the sponge, the stable time step."""
