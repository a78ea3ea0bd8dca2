"""What earlier releases wrote, kept to the byte, and what today's program makes of it."""
