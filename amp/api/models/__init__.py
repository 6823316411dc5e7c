"""Models of request and response bodies. They validate requests, and the OpenAPI document is generated from them."""
