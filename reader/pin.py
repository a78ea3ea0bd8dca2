"""What a PIN of the user-authentication key is made of; nothing heavy is loaded for it."""

PIN_DIGITS = 4
"""Length of the PIN of the user-authentication key."""

PIN_TRIES = 3
"""Tries that it has after a right one."""
