"""What stands behind the screens: opening a terminal, its engine, desk, enrolment and doctor."""
