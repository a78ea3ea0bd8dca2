"""The ID table: registration, links, standing, revocation."""
