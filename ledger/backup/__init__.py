"""Backups of a whole ledger: made at one moment, sealed, verified, and restored without what was destroyed since."""
