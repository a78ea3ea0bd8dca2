"""The screens of the terminal, a folder each."""
