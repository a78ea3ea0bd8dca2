"""The revisions of the points store, and of the tables that the API keeps beside it."""
