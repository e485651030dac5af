"""Fitting a network, and keeping it."""
