"""OpenTelemetry traces: a request, its execution, and what that asked of oxend, the L2 and the database.

Only imported where traces are wanted: the service runs without the packages, and without a trace of their cost.
"""
