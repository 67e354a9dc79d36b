"""Git's smart protocol: what a client pushes, the programs that answer it, and the verdict on a push."""
