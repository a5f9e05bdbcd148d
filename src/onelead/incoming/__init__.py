"""What comes in over HTTP, for the API and the web application alike, read into domain words."""
