"""Uvicorn as this host runs it: connections and their limits, listening, workers, logs, the service manager."""
