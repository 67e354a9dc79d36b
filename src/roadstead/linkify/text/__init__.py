"""A text: its bytes for the engines, the words, addresses and escape sequences in it."""
