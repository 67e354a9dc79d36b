"""The two engines that run patterns, RE2 and `regex`: source text written for them, and their programs."""
