"""The judgement of a linker's pattern and `url` before they are used."""
