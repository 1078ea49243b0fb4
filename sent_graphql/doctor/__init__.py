"""Examines what stands between this machine and an answer: socket, oxend, RPC, contracts; says what mends a fault."""
