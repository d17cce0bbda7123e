-- +goose Up
-- Other issuers whose access tokens the authorizers of a workspace accept: a list, changed as a whole.
ALTER TABLE workspaces ADD COLUMN trusted_issuers_json TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE workspaces DROP COLUMN trusted_issuers_json;
