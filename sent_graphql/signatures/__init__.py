"""Aggregate signatures: asked of oxend with care, checked against the contract's keys, shared and remembered."""
