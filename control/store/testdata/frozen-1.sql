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
    access_token_ttl        BIGINT NOT NULL,
    dynamic_scope_separator TEXT   NOT NULL,
    revision                BIGINT NOT NULL,
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
    roles_json    TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, username)
);
CREATE TABLE sessions (
    tenant_id  TEXT   NOT NULL,
    token_hash TEXT   NOT NULL PRIMARY KEY,
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
    id           TEXT    NOT NULL,
    algorithm    TEXT    NOT NULL,
    use          TEXT    NOT NULL,
    sealed       TEXT    NOT NULL,
    public_json  TEXT    NOT NULL,
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
CREATE TABLE policy_embeds (
    tenant_id   TEXT NOT NULL,
    policy_id   TEXT NOT NULL,
    embedded_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, policy_id, embedded_id),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES policies (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, embedded_id) REFERENCES policies (tenant_id, id)
);
CREATE INDEX policy_embeds_embedded ON policy_embeds (tenant_id, embedded_id);
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
    inventory_hash      TEXT    NOT NULL,
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
    seen_at       BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, gateway_id, id),
    UNIQUE (tenant_id, gateway_id, natural_key),
    UNIQUE (tenant_id, service_id),
    FOREIGN KEY (tenant_id, gateway_id) REFERENCES gateways (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES services (tenant_id, id)
);
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
    minute       BIGINT NOT NULL,
    api_id       TEXT   NOT NULL,
    policy_id    TEXT   NOT NULL,
    result       TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    decisions    BIGINT NOT NULL,
    duration_us  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, minute, api_id, policy_id, result, reason)
);
INSERT INTO tenants VALUES ('default', 'Default', 1772366400000000);
INSERT INTO workspaces VALUES ('default', 'demo', 'Demo', '', '#007FFF', 'regular', 'ecdsa', 'jwt', 3600000000000, '.', 7, 1772366400000000, 1772366400000000, 1772366400000000);
INSERT INTO workspaces VALUES ('default', 'system', 'System', '', '#007FFF', 'system', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000);
INSERT INTO users VALUES ('default', 'u1', 'admin', 'Administrator', 4, '{}', '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 1772366400000000);
INSERT INTO clients VALUES ('default', 'c1', 'system', 'AWS', '', '["client_credentials"]', '[]', '["read_gateway_configuration"]', '[]', 'client_secret_basic', 'active', TRUE, FALSE, 1772366400000000, 1772366400000000);
INSERT INTO client_secrets VALUES ('default', 'c1', 's1', '00000000:AAAA', 1772366400000000, 0);
INSERT INTO signing_keys VALUES ('default', 'demo', 'k1', 'ES256', 'sig', '00000000:AAAA', '{"kty":"EC"}', TRUE, 1772366400000000);
INSERT INTO services VALUES ('default', 's1', 'demo', 'PetStore', '', '', FALSE, 'user', FALSE, 1772366400000000);
INSERT INTO scopes VALUES ('default', 'x1', 'demo', 's1', 'pets.read', '', '', FALSE);
INSERT INTO policies VALUES ('default', 'demo-block', 'demo', 'Block', 'cloudentity', 'api', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO apis VALUES ('default', 'a1', 'demo', 's1', 'GET', '/pets', 'demo-block', 'rest', TRUE, 1, '[]', FALSE);
INSERT INTO gateways VALUES ('default', 'g1', 'demo', 'c1', 'AWS', '', 'aws', 0, FALSE, NULL, '', 1772366400000000, 0, 0, 0, 0, 0);
INSERT INTO api_groups VALUES ('default', 'g1', 'a1b2c3-dev', 'demo', 'aws|eu-west-1|a1b2c3|dev', 'PetStore/dev', '{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}}', '[{"method":"GET","path":"/pets"}]', 's1', FALSE, 1772366400000000);
INSERT INTO audit VALUES ('default', '01koqs36dk0008qm3jrfjnlq21', 'demo', 'policy', 'created', 'demo-block', 1, 'u1', 'admin', '192.0.2.1', '', 1772366400000000, '', '{}');
INSERT INTO decisions VALUES ('default', 'demo', '01koqs36dk0008qm3jrfjnlq22', 'g1', 1772366400000000, 'UNAUTHORIZED', 'policy_denied', 'a1', 'demo-block', 40, '{}');
INSERT INTO decision_minutes VALUES ('default', 'demo', 1772366400000000, 'a1', 'demo-block', 'UNAUTHORIZED', 'policy_denied', 1, 40);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, TRUE);
