"""The owner's screen: the day so far, what needs a hand, and the close."""
