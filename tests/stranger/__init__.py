"""A terminal that a stranger wrote: from docs/protocol.md and the OpenAPI document alone, with nothing of ours."""
