"""One contest of servers over the same questions and data."""
