"""What every screen stands in: the application, themes, words, sounds and widgets."""
