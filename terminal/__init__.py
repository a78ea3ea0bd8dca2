"""What people at the counter see and type: the Textual application and the command line."""
