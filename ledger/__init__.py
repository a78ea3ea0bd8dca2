"""The bundled cloud ledger: an ID table, wallets of points, the API that joins them, and a client for it."""
