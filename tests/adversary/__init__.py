"""What somebody tries who owns a terminal's key, a friend's card and a copied journal."""
