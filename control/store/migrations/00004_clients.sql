-- +goose Up
-- Clients that prove themselves by a signed assertion (RFC 7523) or not at all, and where they may send users who log out.

ALTER TABLE clients ADD COLUMN jwks_json TEXT NOT NULL DEFAULT ''; -- public keys, RFC 7517 section 5; empty: none
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris_json TEXT NOT NULL DEFAULT '[]';

-- Assertions that were used, until they would have expired: whoever inserts the row has used it, anybody later replays it.
CREATE TABLE client_assertions (
    tenant_id  TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    jti_hash   TEXT   NOT NULL, -- hex SHA-256: a jti may be of any form
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, jti_hash),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);

-- Access tokens of workspaces whose strategy is opaque, as hex SHA-256.
CREATE TABLE access_tokens (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    claims_json  TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_expires ON access_tokens (expires_at);

-- +goose Down
DROP TABLE access_tokens;
DROP TABLE client_assertions;
ALTER TABLE clients DROP COLUMN post_logout_redirect_uris_json;
ALTER TABLE clients DROP COLUMN jwks_json;
