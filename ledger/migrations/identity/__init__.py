"""The revisions of the identity store."""
