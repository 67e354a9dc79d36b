"""Git's own door: clones, fetches and pushes over HTTP."""
