"""onelead: a self-hosted lead service. Many deliveries, one lead."""

from __future__ import annotations

__version__ = "0.1.0"
