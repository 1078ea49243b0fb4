"""The current snapshot, handed out from memory to every request."""
