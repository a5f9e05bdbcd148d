"""The engines: everything that knows a database driver."""
