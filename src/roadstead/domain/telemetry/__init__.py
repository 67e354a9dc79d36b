"""What this host tells of itself: metrics and readiness."""
