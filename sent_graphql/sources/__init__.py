"""Where data comes from: oxend over OxenMQ and the contracts over JSON-RPC, each reply turned into models."""
