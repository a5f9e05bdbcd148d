"""Everything out, and back: exports of an account, copies of databases, and lists of leads."""
