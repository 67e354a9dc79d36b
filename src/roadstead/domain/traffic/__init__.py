"""HTTP traffic: recorded calls, the log of requests, and redaction."""
