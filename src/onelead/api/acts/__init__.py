"""The endpoints of acts: what people do with leads and deliveries besides writing them."""
