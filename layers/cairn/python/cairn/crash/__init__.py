"""From walked and named stacks to the crash: reason, facts, the event."""
