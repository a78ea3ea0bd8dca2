"""Wallets of points: lots, the operations that move them, and claims; it knows MyKey IDs and no cards."""
