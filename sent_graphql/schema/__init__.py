"""The GraphQL schema: Strawberry types over the models' structs, scalars, enums, and what every field means."""
