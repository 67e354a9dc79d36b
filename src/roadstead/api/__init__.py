"""The machinery of operations over HTTP.

`operation` declares operations, `map` finds them, `address` serves them, with one authentication and one handling of
errors for all. This room knows no group; `bitbucket` and `control` have them.
"""
