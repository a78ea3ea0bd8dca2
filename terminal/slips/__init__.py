"""Slips (控え): a pure function makes rows of an operation; screen, printer and page each draw them their own way."""
