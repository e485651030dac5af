"""The wave equation, and the maps that it is solved on."""
