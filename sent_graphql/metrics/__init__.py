"""What the service tells Prometheus: the parts' own counts, read when they are asked for.

Nothing is counted twice and nothing is global: each part keeps its counts, and a collector here names them. Labels
have few values each: none is made of what clients send.
"""
