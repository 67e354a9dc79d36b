"""Files and folders: read as commits have them, and committed."""
