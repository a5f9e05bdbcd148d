"""All endpoints of acts."""

from __future__ import annotations

from onelead.api.acts import distinct, ledger, merges, refused_deliveries, undos, values
from onelead.api.endpoints import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *merges.ENDPOINTS,
    *values.ENDPOINTS,
    *distinct.ENDPOINTS,
    *ledger.ENDPOINTS,
    *undos.ENDPOINTS,
    *refused_deliveries.ENDPOINTS,
)
