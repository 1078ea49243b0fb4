"""oxend over OxenMQ: framing, connections, RPC calls and block push; raw replies become models.oxend structs."""
