-- What an asset has claimed is released when it is purged.
CREATE INDEX claims_by_asset ON claims (asset_id);
