"""`pip install`, with a line for each step instead of silence or of a hundred lines. Takes pip's arguments."""

import subprocess
import sys

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off")


def main() -> int:
    """Run pip, and return its exit code. pip's messages on stderr pass unchanged."""
    fetched = 0
    with subprocess.Popen([*_PIP, *sys.argv[1:]], stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if line.startswith(("Collecting ", "Processing ")):
                print("  fetching packages " if not fetched else ".", end="", flush=True)
                fetched += 1
            elif line.startswith("Installing collected packages"):
                print(f"\n  unpacking {fetched} packages" if fetched else "  adding Roadstead itself", flush=True)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main())
