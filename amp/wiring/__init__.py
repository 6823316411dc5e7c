"""One module per subject builds its services on the adapters; `amp.bootstrap` calls these builders in order."""
