"""An upsert to check or to send."""
