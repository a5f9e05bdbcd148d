"""HTTP requests, for the API and the web application alike, read into the domain's types."""
