"""A text with its links, written as HTML, as Markdown or for a terminal."""
