"""The contenders; each module says why the comparison is fair."""
