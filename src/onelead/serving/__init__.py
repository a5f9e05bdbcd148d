"""Running the web server: sockets, connections, signals and worker processes."""
