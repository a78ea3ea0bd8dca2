"""Sign-on: who is at the counter."""
