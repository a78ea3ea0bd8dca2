"""From a card in the field to one Tap: PC/SC, APDUs, the JPKI application, and a virtual card for where none is."""
