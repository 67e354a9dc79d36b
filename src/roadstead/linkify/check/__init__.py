"""What there is to say of a linker's pattern and `url` before it is used."""
