"""Pictures of gathers and velocity maps."""
