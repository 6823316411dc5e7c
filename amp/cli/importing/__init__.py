"""`amp import`: reads the rows of files, converts them to metadata, infers a type, and sends assets in bulk."""
