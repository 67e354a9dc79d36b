"""Benchmarks of the API: beside a bare hello-world, beside raw SQL, and beside the tools that a user would pick
instead.

The benchmarks print each figure beside its target and judge nothing: the exit code is 0.
`docs/reference/performance.md` keeps figures and says how to repeat them. Linux only, with two processors: one for the
server, one for the load.
"""
