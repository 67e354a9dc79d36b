"""Events: what can happen, who subscribes to it, and what subscribers are told. Knows no group of the API."""
