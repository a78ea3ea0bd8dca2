"""Tests of what terminal and ledger share."""
