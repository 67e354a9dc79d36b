"""Apps and their installations: descriptors, handshakes, lifecycle calls, pages in frames."""
