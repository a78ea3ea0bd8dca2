"""The terminal's journal: append-only, signed, chained, with the outbox that reaches the ledger exactly once."""
