"""The service over HTTP: GraphQL, the GraphiQL page, `/info` and the health checks. Knows no source."""
