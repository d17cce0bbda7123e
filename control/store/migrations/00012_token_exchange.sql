-- +goose Up
-- Whose tokens a gateway may exchange for tokens of its workspace.
ALTER TABLE gateways ADD COLUMN token_exchange_json TEXT NOT NULL DEFAULT '{"enabled":false,"trusted_idp_ids":[]}';

-- +goose Down
ALTER TABLE gateways DROP COLUMN token_exchange_json;
