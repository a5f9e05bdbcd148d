"""The page Needs a decision: the queue of refused deliveries."""
