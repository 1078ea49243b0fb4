"""Live queries: one computation for all who ask the same, and the same bytes for each of them."""
