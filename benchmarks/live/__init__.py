"""What the benchmarks of live queries are made of: a scenario, those who serve it and those who read it."""
