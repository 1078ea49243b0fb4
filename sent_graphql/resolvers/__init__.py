"""From a snapshot to answers: look-ups, filters, orders and pages. Knows neither sockets nor GraphQL types."""
