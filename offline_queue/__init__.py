"""The terminal's journal: append-only, signed and chained, with the outbox that brings it to the ledger exactly once."""
