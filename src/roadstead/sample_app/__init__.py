"""A small Connect app, made to be copied: `app.py` has all of it but its memory and its command line.

Run it with `python -m roadstead.sample_app`; `roadstead demo` does.
"""
