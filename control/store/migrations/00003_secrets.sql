-- +goose Up
-- Values for policies of a workspace; sealed with the master key.
CREATE TABLE workspace_secrets (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    sealed       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id),
    UNIQUE (tenant_id, workspace_id, name),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);

-- What somebody noted about a workspace: free JSON that this program does not read.
ALTER TABLE workspaces ADD COLUMN metadata_json TEXT NOT NULL DEFAULT '{}';

-- Access tokens that were issued until a moment are over: those of a client, of a subject, of both at once, or, where
-- both are '', all of the workspace.
CREATE TABLE token_cutoffs (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    client_id    TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    issued_until BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL, -- when the longest-lived of them would have ended
    PRIMARY KEY (tenant_id, workspace_id, client_id, subject),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX token_cutoffs_expires ON token_cutoffs (expires_at);

-- +goose Down
DROP TABLE token_cutoffs;
ALTER TABLE workspaces DROP COLUMN metadata_json;
DROP TABLE workspace_secrets;
