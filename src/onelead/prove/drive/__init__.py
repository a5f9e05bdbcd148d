"""The deliveries of a proof: people, clients, connections and the processes they call."""
