"""The ID table: which card stands for which MyKey ID, which numbers are linked to it, and whether it may be used.

It knows no shop, no operation, and not when anybody registered. When a certificate ends it does keep, although the day
is the holder's birthday: a card whose certificate ended is good for nothing, and no terminal is asked about that.
"""
