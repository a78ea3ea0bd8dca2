"""A town that is played through by the day: terminals, two municipalities, and whatever goes wrong."""
