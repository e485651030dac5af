"""Estimators that every network has to beat."""
