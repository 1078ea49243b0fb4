"""Processes for what would hold the event loop. Knows nothing of what they do."""
