"""Process mains for deployments; the loops themselves live in amp.services."""
