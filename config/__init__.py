"""What a terminal is told before it starts: settings, texts, municipality codes, trust anchors, its data directory."""
