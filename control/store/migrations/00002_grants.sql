-- +goose Up
-- What a user allowed a client, from the log-in until the last refresh token ends. Codes, refresh tokens and request URIs
-- are single-use: whoever deletes the row has it. All of them are stored as hex SHA-256.

CREATE TABLE grants (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    workspace_id   TEXT   NOT NULL,
    client_id      TEXT   NOT NULL,
    user_id        TEXT   NOT NULL,
    scopes_json    TEXT   NOT NULL,
    resources_json TEXT   NOT NULL, -- RFC 8707
    code_hash      TEXT   NOT NULL, -- of the code that it came from; a second use ends the grant
    family_hash    TEXT   NOT NULL, -- of what all its refresh tokens begin with; a second use ends the grant
    auth_at        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    used_at        BIGINT NOT NULL, -- when its code or a refresh token was taken last
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (code_hash),
    UNIQUE (family_hash),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX grants_expires ON grants (expires_at);

CREATE TABLE codes (
    code_hash      TEXT   NOT NULL PRIMARY KEY,
    tenant_id      TEXT   NOT NULL,
    grant_id       TEXT   NOT NULL,
    redirect_uri   TEXT   NOT NULL,
    code_challenge TEXT   NOT NULL, -- S256
    nonce          TEXT   NOT NULL,
    expires_at     BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE refresh_tokens (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    tenant_id  TEXT   NOT NULL,
    grant_id   TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grants (tenant_id, id) ON DELETE CASCADE
);

-- Pushed authorization requests, RFC 9126.
CREATE TABLE pushed_requests (
    uri_hash     TEXT   NOT NULL PRIMARY KEY,
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    client_id    TEXT   NOT NULL,
    query        TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX pushed_requests_expires ON pushed_requests (expires_at);

-- Access tokens that were revoked before their time (RFC 7009), by jti, until they would have ended.
CREATE TABLE revoked_tokens (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_at);

-- +goose Down
DROP TABLE revoked_tokens;
DROP TABLE pushed_requests;
DROP TABLE refresh_tokens;
DROP TABLE codes;
DROP TABLE grants;
