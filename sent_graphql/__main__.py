"""`python -m sent_graphql`, the same as `sent-graphql`."""

from sent_graphql.cli import main

if __name__ == "__main__":
    main()
