"""The host's statements about itself: metrics and readiness."""
