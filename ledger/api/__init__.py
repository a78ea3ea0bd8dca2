"""The ledger's HTTP API: it joins identity and points, and is the only one that knows both."""
