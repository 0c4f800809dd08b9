"""From a stream of events to one reply that grows."""
