"""A My Number card made of software, for practice, tests and OpenSC, with a test authority that nobody else trusts."""
