"""The limits of moving in from Copper, some of which are Copper's own."""

from __future__ import annotations

# Moving in from Copper, whose own limits these are: so many requests within a minute.
COPPER_REQUESTS_PER_MINUTE_MAX = 180
#: A search of Copper reaches so many leads; a window has fewer, so that it is soon read again when
#: its pages shift, which is done so many times at most.
COPPER_REACH_LEADS = 100_000
COPPER_WINDOW_LEADS_MAX = 4_000
COPPER_PASSES_MAX = 4
COPPER_TIMEOUT_S = 60
#: A request is made so many times, with pauses that double up to the longest.
COPPER_TRIES_MAX = 10
COPPER_PAUSE_S_MAX = 60
COPPER_ANSWER_BYTES_MAX = 64 * 1_048_576
#: The next run looks back so far, as Copper's search may show a change late.
COPPER_OVERLAP_S = 3_600
#: The comparison at the end looks at so many leads, drawn from those that were read, and lists so
#: many differences.
COPPER_COMPARED_LEADS_MAX = 400
COPPER_DIFFERENCES_MAX = 100
#: Up to so many leads here are looked for in Copper, to find those that are gone there.
COPPER_GONE_LEADS_MAX = 50_000
#: A report has so many different remarks.
COPPER_REMARKS_MAX = 500

assert COPPER_WINDOW_LEADS_MAX < COPPER_REACH_LEADS
