"""The pieces that the screens are laid out from; none of them decides anything."""
