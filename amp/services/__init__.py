"""The use cases, one per module. Each receives everything that it needs through its constructor."""
