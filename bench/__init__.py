"""How fast the API is: beside a bare hello-world, beside raw SQL, and beside what a user would pick instead.

Nothing here judges: a figure is printed beside its target, and the exit code is 0. `docs/reference/performance.md`
keeps figures and says how to repeat them. Linux only, with two processors: one for the server, one for us.
"""
