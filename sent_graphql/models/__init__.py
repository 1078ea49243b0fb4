"""Frozen domain structs, units and states, and the pure functions over them. No I/O, no GraphQL."""
