"""What the host does. Front doors call these functions; they use `storage` and `outbound`."""
