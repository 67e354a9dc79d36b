"""What went over the wire: recorded calls, the log of requests, and what of it may be kept."""
