"""From a card in the field to one Tap: PC/SC, APDUs, the JPKI application, and a virtual card that stands in for a real one."""
