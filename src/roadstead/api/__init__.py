"""The machinery of operations over HTTP.

`operation` declares operations, `map` finds them, `address` serves them, with authentication and errors done once. This
room knows no group; `bitbucket` and `control` have them.
"""
