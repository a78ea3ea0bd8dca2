"""All that terminal and ledger share: messages, their canonical form, rules, seals, signatures, and the client."""
