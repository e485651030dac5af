"""From a checkpoint to velocity maps."""
