"""The resident's display: a process of its own that shows what the counter tells it over loopback."""
