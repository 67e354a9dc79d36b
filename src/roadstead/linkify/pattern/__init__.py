"""What a regex means: a tree, with every class of characters as the exact set that it matches."""
