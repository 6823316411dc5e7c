"""Request and answer models: what is validated is what the OpenAPI document shows."""
