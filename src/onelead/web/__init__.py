"""The web application: pages, forms and sessions, over the same domain and store as the API."""
