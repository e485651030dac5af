"""A cheap approximation with a thin absorbing layer."""
