"""An account as lines of JSON, table by table, and back."""
