-- +goose Up
-- One text for SQLite and PostgreSQL. Times are microseconds since 1970 UTC, 0 is "never"; *_json is JSON.

CREATE TABLE tenants (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE workspaces (
    tenant_id               TEXT   NOT NULL REFERENCES tenants (id),
    id                      TEXT   NOT NULL,
    name                    TEXT   NOT NULL,
    description             TEXT   NOT NULL,
    color                   TEXT   NOT NULL,
    type                    TEXT   NOT NULL,
    key_type                TEXT   NOT NULL,
    access_token_strategy   TEXT   NOT NULL,
    access_token_ttl        BIGINT NOT NULL, -- nanoseconds
    dynamic_scope_separator TEXT   NOT NULL,
    revision                BIGINT NOT NULL, -- grows with every change that an authorizer must see
    revised_at              BIGINT NOT NULL,
    created_at              BIGINT NOT NULL,
    updated_at              BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE users (
    tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
    id            TEXT    NOT NULL,
    username      TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    role          INTEGER NOT NULL,
    roles_json    TEXT    NOT NULL, -- workspace -> role, where it differs
    password_hash TEXT    NOT NULL, -- argon2id, PHC string
    created_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, username)
);

CREATE TABLE sessions (
    tenant_id  TEXT   NOT NULL,
    token_hash TEXT   NOT NULL PRIMARY KEY, -- hex SHA-256 of the token
    user_id    TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    user_agent TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_seen ON sessions (seen_at);

CREATE TABLE clients (
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    workspace_id       TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    grant_types_json   TEXT    NOT NULL,
    redirect_uris_json TEXT    NOT NULL,
    scopes_json        TEXT    NOT NULL,
    audience_json      TEXT    NOT NULL,
    auth_method        TEXT    NOT NULL,
    status             TEXT    NOT NULL,
    system             BOOLEAN NOT NULL,
    trusted            BOOLEAN NOT NULL,
    created_at         BIGINT  NOT NULL,
    updated_at         BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id)
);
CREATE INDEX clients_workspace ON clients (tenant_id, workspace_id, id);

-- The current secret of a client has expires_at 0; rotated ones are accepted until they expire.
CREATE TABLE client_secrets (
    tenant_id  TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE signing_keys (
    tenant_id    TEXT    NOT NULL,
    workspace_id TEXT    NOT NULL,
    id           TEXT    NOT NULL, -- kid
    algorithm    TEXT    NOT NULL,
    use          TEXT    NOT NULL,
    sealed       TEXT    NOT NULL, -- PKCS #8
    public_json  TEXT    NOT NULL, -- JWK
    active       BOOLEAN NOT NULL,
    created_at   BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE services (
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    workspace_id       TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    custom_audience    TEXT    NOT NULL,
    system             BOOLEAN NOT NULL,
    type               TEXT    NOT NULL,
    with_specification BOOLEAN NOT NULL,
    updated_at         BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id)
);
CREATE INDEX services_workspace ON services (tenant_id, workspace_id, id);

-- service_id '' means: of the workspace, not of a service.
CREATE TABLE scopes (
    tenant_id    TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    workspace_id TEXT    NOT NULL,
    service_id   TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    display_name TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    implicit     BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, workspace_id, name),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id)
);
CREATE INDEX scopes_service ON scopes (tenant_id, service_id);

CREATE TABLE policies (
    tenant_id       TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    workspace_id    TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    language        TEXT   NOT NULL,
    type            TEXT   NOT NULL,
    definition      TEXT   NOT NULL,
    validators_json TEXT   NOT NULL,
    env_version     TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id)
);
CREATE INDEX policies_workspace ON policies (tenant_id, workspace_id, id);

-- Which policies a policy embeds: such a policy is in use.
CREATE TABLE policy_embeds (
    tenant_id   TEXT NOT NULL,
    policy_id   TEXT NOT NULL,
    embedded_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, policy_id, embedded_id),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES policies (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, embedded_id) REFERENCES policies (tenant_id, id)
);
CREATE INDEX policy_embeds_embedded ON policy_embeds (tenant_id, embedded_id);

-- policy_id NULL means open. gone: no longer reported by the gateway, kept for the policy assigned to it.
CREATE TABLE apis (
    tenant_id                 TEXT    NOT NULL,
    id                        TEXT    NOT NULL,
    workspace_id              TEXT    NOT NULL,
    service_id                TEXT    NOT NULL,
    method                    TEXT    NOT NULL,
    path                      TEXT    NOT NULL,
    policy_id                 TEXT,
    api_type                  TEXT    NOT NULL,
    can_have_policy           BOOLEAN NOT NULL,
    position                  INTEGER NOT NULL,
    data_classifications_json TEXT    NOT NULL,
    gone                      BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, service_id, method, path),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES policies (tenant_id, id)
);
CREATE INDEX apis_workspace ON apis (tenant_id, workspace_id, service_id, position);
CREATE INDEX apis_policy ON apis (tenant_id, policy_id);

-- slot bounds the gateways of a type in a workspace, also between two transactions that cannot see each other.
CREATE TABLE gateways (
    tenant_id           TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    workspace_id        TEXT    NOT NULL,
    client_id           TEXT    NOT NULL,
    name                TEXT    NOT NULL,
    description         TEXT    NOT NULL,
    type                TEXT    NOT NULL,
    slot                INTEGER NOT NULL,
    auto_bind           BOOLEAN NOT NULL,
    default_policy_id   TEXT,
    inventory_hash      TEXT    NOT NULL, -- hex SHA-256 of the last inventory, '' before the first one
    created_at          BIGINT  NOT NULL,
    last_active         BIGINT  NOT NULL,
    inventory_at        BIGINT  NOT NULL,
    first_authenticated BIGINT  NOT NULL,
    first_discovered    BIGINT  NOT NULL,
    first_attached      BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, client_id),
    UNIQUE (tenant_id, workspace_id, type, slot),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
    FOREIGN KEY (tenant_id, default_policy_id) REFERENCES policies (tenant_id, id)
);

-- natural_key is what makes a group the same one when its id or name changes; service_id NULL means not bound.
CREATE TABLE api_groups (
    tenant_id     TEXT    NOT NULL,
    gateway_id    TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    workspace_id  TEXT    NOT NULL,
    natural_key   TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    metadata_json TEXT    NOT NULL,
    apis_json     TEXT    NOT NULL,
    service_id    TEXT,
    gone          BOOLEAN NOT NULL,
    seen_at       BIGINT  NOT NULL, -- when it was last seen changed, or seen at all for a group that is gone
    PRIMARY KEY (tenant_id, gateway_id, id),
    UNIQUE (tenant_id, gateway_id, natural_key),
    UNIQUE (tenant_id, service_id),
    FOREIGN KEY (tenant_id, gateway_id) REFERENCES gateways (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id)
);

-- Lambda environments that poll; rows are pruned when they fall silent.
CREATE TABLE environments (
    tenant_id          TEXT   NOT NULL,
    gateway_id         TEXT   NOT NULL,
    id                 TEXT   NOT NULL,
    version            TEXT   NOT NULL,
    authorizer_version TEXT   NOT NULL,
    revision           BIGINT NOT NULL,
    age_seconds        BIGINT NOT NULL,
    first_seen         BIGINT NOT NULL,
    seen_at            BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, gateway_id, id),
    FOREIGN KEY (tenant_id, gateway_id) REFERENCES gateways (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX environments_seen ON environments (tenant_id, gateway_id, seen_at);

-- ids grow with time, so that a page is a range of the primary key.
CREATE TABLE audit (
    tenant_id    TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    workspace_id TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    action       TEXT    NOT NULL,
    target_id    TEXT    NOT NULL,
    actor_kind   INTEGER NOT NULL,
    actor_id     TEXT    NOT NULL,
    actor_name   TEXT    NOT NULL,
    ip           TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    before_json  TEXT    NOT NULL,
    after_json   TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id)
);

-- Single decisions; the Token member of a request event is never stored.
CREATE TABLE decisions (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    gateway_id   TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    result       TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    api_id       TEXT   NOT NULL,
    policy_id    TEXT   NOT NULL,
    duration_us  BIGINT NOT NULL,
    event_json   TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id)
);

CREATE TABLE decision_minutes (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    minute       BIGINT NOT NULL, -- microseconds, start of the minute
    api_id       TEXT   NOT NULL,
    policy_id    TEXT   NOT NULL,
    result       TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    decisions    BIGINT NOT NULL,
    duration_us  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, minute, api_id, policy_id, result, reason)
);

-- +goose Down
DROP TABLE decision_minutes;
DROP TABLE decisions;
DROP TABLE audit;
DROP TABLE environments;
DROP TABLE api_groups;
DROP TABLE gateways;
DROP TABLE apis;
DROP TABLE policy_embeds;
DROP TABLE policies;
DROP TABLE scopes;
DROP TABLE services;
DROP TABLE signing_keys;
DROP TABLE client_secrets;
DROP TABLE clients;
DROP TABLE sessions;
DROP TABLE users;
DROP TABLE workspaces;
DROP TABLE tenants;
