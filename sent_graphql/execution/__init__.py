"""GraphQL execution compiled: what a selection makes of a struct is one generated function, not a walk over types.

graphql-core runs every operation; its executor asks here where a value of an object type, or a list of them, is to
become an answer. Whatever is not plain, and whatever goes wrong, is left to graphql-core, which is never imitated.
"""
