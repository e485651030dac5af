"""What networks cost, and whether generated maps can be told from real ones."""
