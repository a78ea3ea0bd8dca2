"""The ID table: which card stands for which MyKey ID, which numbers are linked to it, and whether it may be used.

It knows no shop, no operation, and not when anybody registered. Nor does it keep when a certificate ends: that is the
holder's birthday. A terminal reads the end from the card at every tap; what ends earlier is on a revocation list.
"""
