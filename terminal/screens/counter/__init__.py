"""The screens: the question at the left, the slip at the right, the keys below; each a function of the counter."""
