"""What travels between terminal and ledger, and how the ledger answers."""
