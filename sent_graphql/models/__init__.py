"""Frozen domain structs, units and states, and the pure functions over them. No I/O, no GraphQL.

Structs that are made by the thousand carry `gc=False`: nothing in them can point back at them, and a collector that
need not visit them does not hold the event loop.
"""
