"""What the product does. Front doors call these functions; they use `storage` and `outbound`."""
