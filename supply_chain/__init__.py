"""What onelead is made of besides its own code: locked packages, licences, known advisories."""

from __future__ import annotations
