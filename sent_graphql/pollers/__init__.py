"""When to ask which source, and how both sides become one snapshot."""
