"""HTML and Markdown, whose texts are linked."""
