"""What happens beside the training steps."""
