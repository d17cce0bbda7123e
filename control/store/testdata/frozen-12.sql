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
CREATE TABLE grants (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    workspace_id   TEXT   NOT NULL,
    client_id      TEXT   NOT NULL,
    user_id        TEXT   NOT NULL,
    scopes_json    TEXT   NOT NULL,
    resources_json TEXT   NOT NULL,
    code_hash      TEXT   NOT NULL,
    family_hash    TEXT   NOT NULL,
    auth_at        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    used_at        BIGINT NOT NULL,
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
    code_challenge TEXT   NOT NULL,
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
CREATE TABLE revoked_tokens (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_at);
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
ALTER TABLE workspaces ADD COLUMN metadata_json TEXT NOT NULL DEFAULT '{}';
CREATE TABLE token_cutoffs (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    client_id    TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    issued_until BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, client_id, subject),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX token_cutoffs_expires ON token_cutoffs (expires_at);
ALTER TABLE clients ADD COLUMN jwks_json TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris_json TEXT NOT NULL DEFAULT '[]';
CREATE TABLE client_assertions (
    tenant_id  TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    jti_hash   TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, jti_hash),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
);
CREATE TABLE access_tokens (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    claims_json  TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_expires ON access_tokens (expires_at);
ALTER TABLE workspaces ADD COLUMN trusted_issuers_json TEXT NOT NULL DEFAULT '[]';
CREATE TABLE dropped_minutes (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    gateway_id   TEXT   NOT NULL,
    minute       BIGINT NOT NULL,
    dropped      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, minute, gateway_id)
);
CREATE TABLE decision_latencies (
    tenant_id    TEXT    NOT NULL,
    workspace_id TEXT    NOT NULL,
    minute       BIGINT  NOT NULL,
    allowed      BOOLEAN NOT NULL,
    slot         INTEGER NOT NULL,
    decisions    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, minute, allowed, slot)
);
CREATE TABLE idps (
    tenant_id     TEXT    NOT NULL,
    workspace_id  TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    method        TEXT    NOT NULL,
    disabled      BOOLEAN NOT NULL,
    settings_json TEXT    NOT NULL,
    sealed        TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
INSERT INTO idps (tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at)
    SELECT tenant_id, id, 'static', 'Users of this workspace', 'static', FALSE, '{}', '', created_at, created_at FROM workspaces WHERE id <> 'system';
ALTER TABLE users RENAME COLUMN username TO identity;
ALTER TABLE users ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN workspace_id TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE users ADD COLUMN idp_id TEXT NOT NULL DEFAULT 'static';
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN attributes_json TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN login_at BIGINT NOT NULL DEFAULT 0;
UPDATE users SET username = identity, identity = 'admin/static/' || identity;
CREATE INDEX users_workspace ON users (tenant_id, workspace_id, id);
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'portal';
ALTER TABLE sessions ADD COLUMN sid TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN auth_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN authn_json TEXT NOT NULL DEFAULT '{"amr":["pwd"]}';
UPDATE sessions SET auth_at = created_at, sid = token_hash;
CREATE INDEX sessions_sid ON sessions (tenant_id, sid);
ALTER TABLE grants ADD COLUMN sid TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN authn_json TEXT NOT NULL DEFAULT '{"amr":["pwd"]}';
CREATE TABLE idp_logins (
    state_hash   TEXT   NOT NULL PRIMARY KEY,
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    idp_id       TEXT   NOT NULL,
    browser_hash TEXT   NOT NULL,
    query        TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, workspace_id, idp_id) REFERENCES idps (tenant_id, workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX idp_logins_expires ON idp_logins (expires_at);
CREATE INDEX idp_logins_idp ON idp_logins (tenant_id, workspace_id, idp_id);
CREATE TABLE idempotent_requests (
    tenant_id     TEXT    NOT NULL,
    actor_id      TEXT    NOT NULL,
    key_hash      TEXT    NOT NULL,
    request_hash  TEXT    NOT NULL,
    claim         TEXT    NOT NULL,
    claimed_until BIGINT  NOT NULL,
    carried_out   BOOLEAN NOT NULL,
    answer        TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, actor_id, key_hash)
);
CREATE INDEX idempotent_requests_expires ON idempotent_requests (expires_at);
CREATE INDEX idempotent_requests_created ON idempotent_requests (tenant_id, actor_id, created_at);
ALTER TABLE gateways ADD COLUMN token_exchange_json TEXT NOT NULL DEFAULT '{"enabled":false,"trusted_idp_ids":[]}';
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (5, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (8, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (9, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (10, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (12, TRUE);
INSERT INTO tenants (id, name, created_at) VALUES ('default', 'Default', 1772366400000000);
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'admin', 'Admin', 'Authenticates administrators and automation', '#007FFF', 'admin', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000, '{}', '[]');
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'system', 'System', 'Authenticates gateways', '#007FFF', 'system', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000, '{}', '[]');
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'default', 'Default', '', '#007FFF', 'regular', 'ecdsa', 'jwt', 3600000000000, '.', 10, 1772366400000000, 1772366400000000, 1772366400000000, '{"owner":"team pets"}', '[{"issuer_url":"https://idp.example.com","jwks_url":"","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]},"audiences":["pets"]}]');
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'spare', 'Spare', '', '#007FFF', 'regular', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000, '{}', '[]');
INSERT INTO users (tenant_id, id, identity, name, role, roles_json, password_hash, created_at, username, workspace_id, idp_id, email, attributes_json, disabled, login_at) VALUES ('default', '7aqfi7lufkme6a0sb0k4', 'admin/static/admin', 'Administrator', 4, '{}', '$argon2id$v=19$m=19456,t=2,p=1$fy61rcw0rAt0tuYm7/Cmpg$xrpgAChPTtz1Y5KYJSXef0TcGo4l3rfIbsYihwGA4tA', 1772366400000000, 'admin', 'admin', 'static', '', '{}', FALSE, 0);
INSERT INTO users (tenant_id, id, identity, name, role, roles_json, password_hash, created_at, username, workspace_id, idp_id, email, attributes_json, disabled, login_at) VALUES ('default', 'n2jap5li7d4j4p8sligf', 'admin/static/joe', '', 0, '{}', '$argon2id$v=19$m=19456,t=2,p=1$XDLk/K0QO3X31Bc5uHi3nQ$fWR+Mm0Dfb2qraI6CXRCNhrPKcpWfXOHSfBduVH7s3I', 1772366400000000, 'joe', 'admin', 'static', '', '{}', FALSE, 0);
INSERT INTO users (tenant_id, id, identity, name, role, roles_json, password_hash, created_at, username, workspace_id, idp_id, email, attributes_json, disabled, login_at) VALUES ('default', 'eojjgdjlb3ffl4dfq046', 'admin/static/jim', '', 0, '{}', '$argon2id$v=19$m=19456,t=2,p=1$z0btJf5v0v8FQuVfRYq9eQ$bkCFCJTE4sizCqiWBi0Jzvtu9s/wqxFvZgMFHF1EDRg', 1772366400000000, 'jim', 'admin', 'static', '', '{}', FALSE, 0);
INSERT INTO users (tenant_id, id, identity, name, role, roles_json, password_hash, created_at, username, workspace_id, idp_id, email, attributes_json, disabled, login_at) VALUES ('default', '6em6uovjn4clqlji3iaq', 'default/static/joe', '', 0, '{}', '$argon2id$v=19$m=19456,t=2,p=1$JWysnlnGIrUhmF8RFJ/m5g$GoFAPTHDmknobEX2bXTWIZYCQcpbPg2JMsvX35uSfZE', 1772366400000000, 'joe', 'default', 'static', '', '{}', FALSE, 1772366400000000);
INSERT INTO users (tenant_id, id, identity, name, role, roles_json, password_hash, created_at, username, workspace_id, idp_id, email, attributes_json, disabled, login_at) VALUES ('default', '9kthh4459m46fcbkv7a2', 'default/static/jim', '', 0, '{}', '$argon2id$v=19$m=19456,t=2,p=1$O5w8q9adORpq5jYMfRMg0g$As7Yq85FbYaCcntWrmQEVKf2PTSyiETaE2K0wXT9T2Y', 1772366400000000, 'jim', 'default', 'static', '', '{}', FALSE, 0);
INSERT INTO sessions (tenant_id, token_hash, user_id, ip, user_agent, created_at, seen_at, kind, sid, auth_at, authn_json) VALUES ('default', 'd154c1248afd62a23f3fdcf0a1d4fb8b829f5302cd33af939f478ba7e923cda1', '6em6uovjn4clqlji3iaq', '192.0.2.1', 'Firefox', 1772366400000000, 1772366400000000, 'issuer', '8fv6rb91e1faj1vddnlh', 1772366400000000, '{"amr":["pwd"]}');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'admin-portal', 'admin', 'Admin Portal', 'The portal of this server', '["authorization_code"]', '["http://127.0.0.1:8080/app/login/callback"]', '[]', '[]', 'client_secret_basic', 'active', TRUE, TRUE, 1772366400000000, 1772366400000000, '', '["http://127.0.0.1:8080/app/"]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'admin-automation', 'admin', 'Automation', 'Administers the tenant by the admin API', '["client_credentials"]', '[]', '[]', '[]', 'client_secret_basic', 'active', FALSE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'mjdgv70o1ane3s9raeo5', 'system', 'AWS', 'Client of the gateway AWS of the workspace Default', '["client_credentials"]', '[]', '["introspect_tokens","push_gateway_requests","read_gateway_configuration","write_gateway_configuration"]', '[]', 'client_secret_basic', 'active', TRUE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', '5of1gh7g4e731u6a1ui1', 'default', 'App', '', '["client_credentials"]', '[]', '[]', '[]', 'client_secret_basic', 'active', FALSE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'r7ifnf915e7qd3ssefs6', 'default', 'App', '', '["client_credentials"]', '[]', '[]', '[]', 'client_secret_basic', 'active', FALSE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'admin-portal', '086onfda7p5fjghtlivj', '4054397c:YzwTLgj7PUeJ7dlbaGu7k6DVUTYFVc9GD07PhK2l5TfjcuBXpq7kKqIZIhhM45JvytjDEQOAj7BRJ5IU6ZEeiUBvzUQ1Y24', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'admin-automation', 'gsnla6fasfjbaffsl8i7', '4054397c:VRzSjXs3G9BsmjQgoUIxdkTcqE1E1YRBHHxkWs4SLD+6PlibfYF1rjtlwhQpiaGfUFTYwuHaC3NRJ62bF9/DCyxhx43vOm8', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'mjdgv70o1ane3s9raeo5', 'h87ia0adkgio21hqpcpv', '4054397c:90ps0gBRcOBpyM1/Q8RQEH6NdaKIzYtJVmkDBHMJQCRtup6mWrCkJhhWkMqUuLJE4v/isCtboYQ2dZJdQ/+AVCBnTqBm4ig', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', '5of1gh7g4e731u6a1ui1', '7ibhc3mror33c4i0fdc8', '4054397c:q4KyW7YE+WeACp8eA6V1xp0BwkyqDHv83TQI+GMGFVVU8aE2aASc3kb4u6WKZ82H7Xkv07oei7QxNw/hBHHGhUgW6crFdS4', 1772366400000000, 1772370000000000);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'r7ifnf915e7qd3ssefs6', 'f1215stmgsknelbjbrg6', '4054397c:yIDIq29m5i1GRhTdub4aLxBKsIvYGRdGKmydnBl4jrnzj7th9bN1bM6hluxL1CTeeYKoOuwCQVURBm7ytjs1Re5N63fF0So', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', '5of1gh7g4e731u6a1ui1', 'hdhs5mo9b23q5l1cjpff', '4054397c:422L/BuACxlMHVaMZY6bEZtHXrb/yPTSEUxIMToPnaYEVVI0TGod47+NHh2OBylSWw6jKxmZvvNGnQVevwjMmDZwO0fTQJA', 1772366400000000, 0);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'admin', 'KJwzKEeb3t-9gVvgA1WwBpZOBYEWrOD48g0ikBiNCCQ', 'ES256', 'sig', '4054397c:Fmcm1oTriu7SsKefbexsvv/L4aMfvjNA64N523pw/9zZa2aPqzdDJo5rQe6CCC+aGhbEJdGT78d3qK1CjmzIMOMHCnylJtI6DCVLjqS9/BVFzGs3fcEA2Q/6xptQzQk0NbF2XlqUbpjK78ppxCxMIrGa2RZ9YPO3ulAM+61n7vpJXs2OpNtMgxLNeA6dXwreBOxKVoXHQwdO5dWrvuGxiUmUbzxk7Q', '{"alg":"ES256","crv":"P-256","kid":"KJwzKEeb3t-9gVvgA1WwBpZOBYEWrOD48g0ikBiNCCQ","kty":"EC","use":"sig","x":"Jj_a097aGapzjVeDKdW-Bonfq4FD6VCl235UE35exqI","y":"MOdldYAIJ7sOTIgqoM6k1ftdDF_CxQ0rrZdaHCkHlb8"}', TRUE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'system', '7-dWuOxpLbA5GQTGOAqDFm5sWu8LhvLdQFA-XgvzNQE', 'ES256', 'sig', '4054397c:X0/UtszH7Pt0dLTMXrHawzkJjdyWVgZkiib1FAvC2aP0XtT+/4Iw4RyTpDeUJsCcmqZ6VYecEqWJiwlnZwg7ye1Y3A8ZDUFAFQfio/l6xu2REoCcdrvcGRDwkFZ5XDsOtNf/j6bFMqlyJHFFVNgMzUigl8KmphKI8IRviURFSUV+ihtZH6ia8AFwCHGMv+61mNz5Xu6x9c3dzTd5ybqtjZl2cuPUnQ', '{"alg":"ES256","crv":"P-256","kid":"7-dWuOxpLbA5GQTGOAqDFm5sWu8LhvLdQFA-XgvzNQE","kty":"EC","use":"sig","x":"87p28mKTNUw922e9jxhQMJJGEDcyUMRcEq_0aGFWvww","y":"bgXTGjG91kBmyMK3pG5_BN5Ta2VECI3CWncwPj_JT14"}', TRUE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'default', 'ZzVCwt9dBTN0dQqkL9Iu5oukO-ZBVkFaPH9cvli6rmY', 'ES256', 'sig', '4054397c:ATJggyrFB+yZDa4oIbUSokmERKG3DohnsOofCu0qSLkNIBgeLu/fj3zw97u1pSyj0Ba3r0mqvTr18Wr+jlzAOpc+ajEmzryLdN7g/uUWhHQq7rZUUOX1q5D6vuG+fk9VWO+OFtt0nKPtTFv49APSy9rme/ODEJF2GfO/aXqK6WjFYgFRdr0zxc/CjMMjGOl9o63Cw272X6zaMIrs6j8I+PHdWa61+Q', '{"alg":"ES256","crv":"P-256","kid":"ZzVCwt9dBTN0dQqkL9Iu5oukO-ZBVkFaPH9cvli6rmY","kty":"EC","use":"sig","x":"N_9hphlj5XK1KvZLULfLyzLg4GkluM-99dLmOHzaMSA","y":"h4DO1yikB4uC-OidLPMRP-cbhlLAPr2OO5m1OAxJ0KQ"}', FALSE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'spare', 'SB9nxHFXN5bSVwgrpLZPZ4tumFl7aR0w30AHkOhRwvQ', 'ES256', 'sig', '4054397c:jbUm4Cs+x+I8LENehZiH2EJZSjsJHxHEok5SUThjZGEW2hb+rvuHzRQauDQVItzY/JvUwFLEBmSzjjSPFmBO/OO/asRu/vGzgaV/cjsE5qsnpUQbPvMbyw7NLB5h2PKmESlZ4Pe3nKsLXHMUTHrzc5wL+662qJgXuTzAwuVcJr3msDlv02WilYLwLhJi1Jwo67sUsOUHlXDeROKuzp9xShYFulWn0g', '{"alg":"ES256","crv":"P-256","kid":"SB9nxHFXN5bSVwgrpLZPZ4tumFl7aR0w30AHkOhRwvQ","kty":"EC","use":"sig","x":"NU3e3DmK4jklh986-3Sacb_3pcy6ef_abUbd6KUzbgg","y":"KhqtZVdu4dmX2RzDgN-_PssjlrIDkwcbSkcE7iB6BS8"}', TRUE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'default', 'vR8_3qk1N1xkZeR1InYkqVDutxRIJ02g2c7H5TL0kow', 'ES256', 'sig', '4054397c:RWfgZ+vmxjk/Eb3zXx4V2mP5WQnldYYd68awSRVRE2oRkYeVCo8sd0QG31x2Zfvy/XY5N4RDF/QCij4/Fr8kuf2Ncf9vYDYKjGJuXiWBKbmW2MjIArkZ2hk6iurjL8mkbeuzu72VPbS0FrY/F6/2FFdmUUkcJy1unwLKf6G9skXO+4rwIEUUOSzuK8K/3cU+uMWEfW41IbdfGpNlDOwVgeBLG8Jmhw', '{"alg":"ES256","crv":"P-256","kid":"vR8_3qk1N1xkZeR1InYkqVDutxRIJ02g2c7H5TL0kow","kty":"EC","use":"sig","x":"PSY9NSE5-hINP311ibB3tm8ExNCKUMe-qJIRds_Bw3w","y":"ZAolkKjSia8LbXPnEOZifvxi2AUoO9TP06eFGAjcASc"}', TRUE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', 'system-gateway', 'system', 'Gateway', 'What gateways may do', '', TRUE, 'system', FALSE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', 'j9tjgq4o44ih7qo98msk', 'default', 'Service', '', '', FALSE, 'user', FALSE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', 'q7ofma6f4q08nebinjd9', 'default', 'Specified', '', '', FALSE, 'user', FALSE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', 'vshj19q9suqp244dtppg', 'default', 'PetStore', '', '', FALSE, 'user', FALSE, 1772366400000000);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-introspect-tokens', 'system', 'system-gateway', 'introspect_tokens', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-push-gateway-requests', 'system', 'system-gateway', 'push_gateway_requests', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-read-gateway-configuration', 'system', 'system-gateway', 'read_gateway_configuration', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-write-gateway-configuration', 'system', 'system-gateway', 'write_gateway_configuration', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'jplsvtpfis21htqq883b', 'default', '', 'read', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', '6flora5ubrpbdp0p6d9o', 'default', 'vshj19q9suqp244dtppg', 'pets.*', '', '', FALSE);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_admin_api', 'admin', 'Block API', 'cloudentity', 'api', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_admin_dcr', 'admin', 'Block DCR', 'cloudentity', 'dcr', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_admin_developer', 'admin', 'Block Developer', 'cloudentity', 'developer', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_admin_machine', 'admin', 'Block Machine', 'cloudentity', 'machine', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_admin_user', 'admin', 'Block User', 'cloudentity', 'user', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_admin_api', 'admin', 'NIST-AAL-1 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_admin_api', 'admin', 'NIST-AAL-2 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_admin_api', 'admin', 'NIST-AAL-3 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_admin_user', 'admin', 'NIST-AAL-1 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_admin_user', 'admin', 'NIST-AAL-2 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_admin_user', 'admin', 'NIST-AAL-3 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'mfa_admin_user', 'admin', 'MFA User', 'cloudentity', 'user', '', '[{"name":"authentication-factors","conf":{"fields":[{"comparator":"contains","field":"login.verified_recovery_methods","value":["mfa"]}]},"recovery":[{"type":"mfa"}]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_system_api', 'system', 'Block API', 'cloudentity', 'api', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_system_dcr', 'system', 'Block DCR', 'cloudentity', 'dcr', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_system_developer', 'system', 'Block Developer', 'cloudentity', 'developer', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_system_machine', 'system', 'Block Machine', 'cloudentity', 'machine', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_system_user', 'system', 'Block User', 'cloudentity', 'user', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_system_api', 'system', 'NIST-AAL-1 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_system_api', 'system', 'NIST-AAL-2 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_system_api', 'system', 'NIST-AAL-3 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_system_user', 'system', 'NIST-AAL-1 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_system_user', 'system', 'NIST-AAL-2 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_system_user', 'system', 'NIST-AAL-3 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'mfa_system_user', 'system', 'MFA User', 'cloudentity', 'user', '', '[{"name":"authentication-factors","conf":{"fields":[{"comparator":"contains","field":"login.verified_recovery_methods","value":["mfa"]}]},"recovery":[{"type":"mfa"}]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_default_api', 'default', 'Block API', 'cloudentity', 'api', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_default_dcr', 'default', 'Block DCR', 'cloudentity', 'dcr', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_default_developer', 'default', 'Block Developer', 'cloudentity', 'developer', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_default_machine', 'default', 'Block Machine', 'cloudentity', 'machine', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_default_user', 'default', 'Block User', 'cloudentity', 'user', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_default_api', 'default', 'NIST-AAL-1 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_default_api', 'default', 'NIST-AAL-2 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_default_api', 'default', 'NIST-AAL-3 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_default_user', 'default', 'NIST-AAL-1 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_default_user', 'default', 'NIST-AAL-2 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_default_user', 'default', 'NIST-AAL-3 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'mfa_default_user', 'default', 'MFA User', 'cloudentity', 'user', '', '[{"name":"authentication-factors","conf":{"fields":[{"comparator":"contains","field":"login.verified_recovery_methods","value":["mfa"]}]},"recovery":[{"type":"mfa"}]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_spare_api', 'spare', 'Block API', 'cloudentity', 'api', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_spare_dcr', 'spare', 'Block DCR', 'cloudentity', 'dcr', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_spare_developer', 'spare', 'Block Developer', 'cloudentity', 'developer', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_spare_machine', 'spare', 'Block Machine', 'cloudentity', 'machine', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'block_spare_user', 'spare', 'Block User', 'cloudentity', 'user', '', '[{"name":"false","conf":null,"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_spare_api', 'spare', 'NIST-AAL-1 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_spare_api', 'spare', 'NIST-AAL-2 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_spare_api', 'spare', 'NIST-AAL-3 API', 'cloudentity', 'api', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-1_spare_user', 'spare', 'NIST-AAL-1 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-2_spare_user', 'spare', 'NIST-AAL-2 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'nist-aal-3_spare_user', 'spare', 'NIST-AAL-3 User', 'cloudentity', 'user', '', '[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'mfa_spare_user', 'spare', 'MFA User', 'cloudentity', 'user', '', '[{"name":"authentication-factors","conf":{"fields":[{"comparator":"contains","field":"login.verified_recovery_methods","value":["mfa"]}]},"recovery":[{"type":"mfa"}]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'default-it-s-outer', 'default', 'It''s outer', 'cloudentity', 'api', '', '[{"name":"embedded-policy","conf":{"policy_id":"block_default_api"},"recovery":[]}]', '', 1772366400000000, 1772366400000000);
INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at) VALUES ('default', 'default-rego', 'default', 'Rego', 'rego', 'api', 'package acp.authz

default allow = false

allow { input.authn_ctx.sub == "it''s me" }
', '[]', '', 1772366400000000, 1772366400000000);
INSERT INTO policy_embeds (tenant_id, policy_id, embedded_id) VALUES ('default', 'default-it-s-outer', 'block_default_api');
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'pehze4u8qr4g6pbwpfwdqhmx8rhg4h5mm7dwkin9f7oo', 'default', 'j9tjgq4o44ih7qo98msk', 'GET', '/a', NULL, 'rest', TRUE, 1, '[]', FALSE);
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'q33so4tt8fau1h5iqfadrpbwct48yhd8m7dwkin9f7agk7du', 'default', 'vshj19q9suqp244dtppg', 'GET', '/pets', 'default-it-s-outer', 'rest', TRUE, 1, '[]', FALSE);
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'q33so4tt8fau1h5iqfadrpbwct48yhd8m7er6w4wmhzzy3mwqc', 'default', 'vshj19q9suqp244dtppg', 'POST', '/pets', NULL, 'rest', TRUE, 2, '[]', FALSE);
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'q33so4tt8fau1h5iqfadrpbwct48yhd8m7ywhsk9f77zyhuxxbh1s9e', 'default', 'vshj19q9suqp244dtppg', 'ANY', '/{proxy+}', 'default-it-s-outer', 'rest', TRUE, 3, '[]', TRUE);
INSERT INTO gateways (tenant_id, id, workspace_id, client_id, name, description, type, slot, auto_bind, default_policy_id, inventory_hash, created_at, last_active, inventory_at, first_authenticated, first_discovered, first_attached, token_exchange_json) VALUES ('default', '8ok0n8m7a9dqd2ua6jmt', 'default', 'mjdgv70o1ane3s9raeo5', 'AWS', '', 'aws', 0, FALSE, NULL, '5b3c218177728e3f0dfd8e37cbe6e2065365daeeb468fad5332861ade669882f', 1772366400000000, 1772366400000000, 1772366400000000, 1772366400000000, 1772366400000000, 0, '{"enabled":false,"trusted_idp_ids":[]}');
INSERT INTO api_groups (tenant_id, gateway_id, id, workspace_id, natural_key, name, metadata_json, apis_json, service_id, gone, seen_at) VALUES ('default', '8ok0n8m7a9dqd2ua6jmt', 'a1b2c3-dev', 'default', 'aws|eu-west-1|a1b2c3|dev', 'PetStore/dev', '{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}}', '[{"api_type":"rest","method":"GET","path":"/pets"},{"api_type":"rest","method":"POST","path":"/pets"}]', 'vshj19q9suqp244dtppg', FALSE, 1772366400000000);
INSERT INTO environments (tenant_id, gateway_id, id, version, authorizer_version, revision, age_seconds, first_seen, seen_at) VALUES ('default', '8ok0n8m7a9dqd2ua6jmt', 'one', '1.0', '', 3, 0, 1772366400000000, 1772366400000000);
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8000jmbdkedusu3o', 'admin', 'server', 'created', 'admin', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"admin","tenant_id":"default","name":"Admin","description":"Authenticates administrators and automation","color":"#007FFF","type":"admin","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800ktq843stqm9dg', 'system', 'server', 'created', 'system', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"system","tenant_id":"default","name":"System","description":"Authenticates gateways","color":"#007FFF","type":"system","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls80005nohr9dh90vj', 'default', 'server', 'created', 'default', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"default","tenant_id":"default","name":"Default","description":"","color":"#007FFF","type":"regular","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800aek4econg2tim', 'admin', 'user', 'created', '7aqfi7lufkme6a0sb0k4', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"7aqfi7lufkme6a0sb0k4","tenant_id":"default","server_id":"admin","idp_id":"static","subject":"admin","username":"admin","name":"Administrator","email":"","attributes":null,"disabled":false,"role":"admin","created_at":"2026-03-01T12:00:00Z","login_at":"0001-01-01T00:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801efgk6ma5th9pt', 'admin', 'client', 'created', 'admin-portal', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"client_id":"admin-portal","tenant_id":"default","authorization_server_id":"admin","client_name":"Admin Portal","description":"The portal of this server","grant_types":["authorization_code"],"redirect_uris":["http://127.0.0.1:8080/app/login/callback"],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":true,"trusted":true,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":["http://127.0.0.1:8080/app/"]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8001599kfo7pedol', 'admin', 'client', 'created', 'admin-automation', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"client_id":"admin-automation","tenant_id":"default","authorization_server_id":"admin","client_name":"Automation","description":"Administers the tenant by the admin API","grant_types":["client_credentials"],"redirect_uris":[],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":false,"trusted":false,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800n9dpis96npm04', 'default', 'gateway', 'created', '8ok0n8m7a9dqd2ua6jmt', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"8ok0n8m7a9dqd2ua6jmt","tenant_id":"default","authorization_server_id":"default","client_id":"mjdgv70o1ane3s9raeo5","name":"AWS","description":"","type":"aws","create_and_bind_services_automatically":false,"default_policy_id":"","last_active":"0001-01-01T00:00:00Z","token_exchange":{"enabled":false,"trusted_idp_ids":null}}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801rmno2hq2lpj4m', 'default', 'gateway', 'discovered', '8ok0n8m7a9dqd2ua6jmt', 3, 'mjdgv70o1ane3s9raeo5', 'AWS', '', '', 1772366400000000, '', '{"api_group_id":"a1b2c3-dev","gateway_id":"8ok0n8m7a9dqd2ua6jmt","gone":false,"metadata":{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}},"name":"PetStore/dev","service_id":""}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801svnf57acg358i', 'default', 'service', 'created', 'j9tjgq4o44ih7qo98msk', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"j9tjgq4o44ih7qo98msk","tenant_id":"default","authorization_server_id":"default","name":"Service","description":"","custom_audience":"","gateway_id":"","system":false,"type":"user","with_specification":false,"updated_at":"2026-03-01T12:00:00Z","audience":"spiffe://127.0.0.1/default/default/j9tjgq4o44ih7qo98msk"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls80151kf7rdo1k839', 'default', 'service', 'created', 'q7ofma6f4q08nebinjd9', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"q7ofma6f4q08nebinjd9","tenant_id":"default","authorization_server_id":"default","name":"Specified","description":"","custom_audience":"","gateway_id":"","system":false,"type":"user","with_specification":false,"updated_at":"2026-03-01T12:00:00Z","audience":"spiffe://127.0.0.1/default/default/q7ofma6f4q08nebinjd9"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801khd9nr6ifu2gd', 'default', 'api', 'created', 'pehze4u8qr4g6pbwpfwdqhmx8rhg4h5mm7dwkin9f7oo', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"pehze4u8qr4g6pbwpfwdqhmx8rhg4h5mm7dwkin9f7oo","tenant_id":"default","server_id":"default","service_id":"j9tjgq4o44ih7qo98msk","method":"GET","path":"/a","api_type":"rest","can_have_policy":true,"position":1,"data_classifications":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls80070nc96egak2uu', 'default', 'scopes', 'created', 'jplsvtpfis21htqq883b', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"jplsvtpfis21htqq883b","tenant_id":"default","authorization_server_id":"default","service_id":"","name":"read","display_name":"","description":"","implicit":false}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8002fms6fnv6djaa', 'default', 'client', 'created', '5of1gh7g4e731u6a1ui1', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"5of1gh7g4e731u6a1ui1","tenant_id":"default","authorization_server_id":"default","client_name":"App","description":"","grant_types":["client_credentials"],"redirect_uris":[],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":false,"trusted":false,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8012bqctcgbh87ij', 'default', 'client', 'created', 'r7ifnf915e7qd3ssefs6', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"r7ifnf915e7qd3ssefs6","tenant_id":"default","authorization_server_id":"default","client_name":"App","description":"","grant_types":["client_credentials"],"redirect_uris":[],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":false,"trusted":false,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800ljdbnalirtot9', 'spare', 'server', 'created', 'spare', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"spare","tenant_id":"default","name":"Spare","description":"","color":"#007FFF","type":"regular","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800ftt0vmmf3di3u', 'admin', 'user', 'created', 'n2jap5li7d4j4p8sligf', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"n2jap5li7d4j4p8sligf","tenant_id":"default","server_id":"admin","idp_id":"static","subject":"joe","username":"joe","name":"","email":"","attributes":null,"disabled":false,"role":"none","created_at":"2026-03-01T12:00:00Z","login_at":"0001-01-01T00:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800dsrehbt61b73n', 'admin', 'user', 'created', 'eojjgdjlb3ffl4dfq046', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"eojjgdjlb3ffl4dfq046","tenant_id":"default","server_id":"admin","idp_id":"static","subject":"jim","username":"jim","name":"","email":"","attributes":null,"disabled":false,"role":"none","created_at":"2026-03-01T12:00:00Z","login_at":"0001-01-01T00:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801uecgqtg3i5t5u', 'default', 'idp', 'created', 'example-login', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"example-login","tenant_id":"default","server_id":"default","name":"Example Login","method":"oidc","disabled":false,"oidc":{"issuer_url":"https://idp.example.com","client_id":"portcullis","token_endpoint_auth_method":"client_secret_basic","scopes":["openid","profile","email"],"id_token_signing_algs":["RS256","ES256","PS256","EdDSA"],"fetch_userinfo":false,"mappings":[],"roles":[]},"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800k7kr15hgj53fe', 'default', 'user', 'created', '6em6uovjn4clqlji3iaq', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"6em6uovjn4clqlji3iaq","tenant_id":"default","server_id":"default","idp_id":"static","subject":"joe","username":"joe","name":"","email":"","attributes":null,"disabled":false,"role":"none","created_at":"2026-03-01T12:00:00Z","login_at":"0001-01-01T00:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8008qr8tkg630ger', 'default', 'user', 'created', '9kthh4459m46fcbkv7a2', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"9kthh4459m46fcbkv7a2","tenant_id":"default","server_id":"default","idp_id":"static","subject":"jim","username":"jim","name":"","email":"","attributes":null,"disabled":false,"role":"none","created_at":"2026-03-01T12:00:00Z","login_at":"0001-01-01T00:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800r3kqh6o8sktsa', 'default', 'secret', 'created', '7d4tn6v25gq7v8m81q8d', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"7d4tn6v25gq7v8m81q8d","secret":"API key","server_id":"default","tenant_id":"default","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801qs30nf4k7i6ap', 'default', 'server', 'generated', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"signing_key":"ecdsa"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800rb1iqr73btkkh', 'default', 'service', 'created', 'vshj19q9suqp244dtppg', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"vshj19q9suqp244dtppg","tenant_id":"default","authorization_server_id":"default","name":"PetStore","description":"","custom_audience":"","gateway_id":"","system":false,"type":"user","with_specification":false,"updated_at":"2026-03-01T12:00:00Z","audience":"spiffe://127.0.0.1/default/default/vshj19q9suqp244dtppg"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8003k9q0edkp1ksq', 'default', 'gateway', 'bound', '8ok0n8m7a9dqd2ua6jmt', 1, 'root', 'admin', '', '', 1772366400000000, '{"api_group_id":"a1b2c3-dev","gateway_id":"8ok0n8m7a9dqd2ua6jmt","gone":false,"metadata":{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}},"name":"PetStore/dev","service_id":""}', '{"api_group_id":"a1b2c3-dev","gateway_id":"8ok0n8m7a9dqd2ua6jmt","gone":false,"metadata":{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}},"name":"PetStore/dev","service_id":"vshj19q9suqp244dtppg"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801rv6vsdggd1puq', 'default', 'policy', 'created', 'default-it-s-outer', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"default-it-s-outer","tenant_id":"default","server_id":"default","policy_name":"It''s outer","language":"cloudentity","type":"api","definition":"","validators":[{"name":"embedded-policy","conf":{"policy_id":"block_default_api"},"recovery":[]}]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800t1ngm927ene7t', 'default', 'policy', 'created', 'default-rego', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"default-rego","tenant_id":"default","server_id":"default","policy_name":"Rego","language":"rego","type":"api","definition":"package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"it''s me\" }\n","validators":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801jfr89udoihq1t', 'default', 'gateway_policy', 'updated', 'q33so4tt8fau1h5iqfadrpbwct48yhd8m7dwkin9f7agk7du', 1, 'root', 'admin', '', '', 1772366400000000, '{"id":"q33so4tt8fau1h5iqfadrpbwct48yhd8m7dwkin9f7agk7du","tenant_id":"default","server_id":"default","service_id":"vshj19q9suqp244dtppg","method":"GET","path":"/pets","api_type":"rest","can_have_policy":true,"position":1,"data_classifications":[]}', '{"id":"q33so4tt8fau1h5iqfadrpbwct48yhd8m7dwkin9f7agk7du","tenant_id":"default","server_id":"default","service_id":"vshj19q9suqp244dtppg","method":"GET","path":"/pets","policy_id":"default-it-s-outer","api_type":"rest","can_have_policy":true,"position":1,"data_classifications":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8006kjuqcodfl1oe', 'default', 'gateway_policy', 'updated', 'q33so4tt8fau1h5iqfadrpbwct48yhd8m7ywhsk9f77zyhuxxbh1s9e', 1, 'root', 'admin', '', '', 1772366400000000, '{"id":"q33so4tt8fau1h5iqfadrpbwct48yhd8m7ywhsk9f77zyhuxxbh1s9e","tenant_id":"default","server_id":"default","service_id":"vshj19q9suqp244dtppg","method":"ANY","path":"/{proxy+}","api_type":"rest","can_have_policy":true,"position":3,"data_classifications":[]}', '{"id":"q33so4tt8fau1h5iqfadrpbwct48yhd8m7ywhsk9f77zyhuxxbh1s9e","tenant_id":"default","server_id":"default","service_id":"vshj19q9suqp244dtppg","method":"ANY","path":"/{proxy+}","policy_id":"default-it-s-outer","api_type":"rest","can_have_policy":true,"position":3,"data_classifications":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8015clkggc7eu13k', 'default', 'scopes', 'created', '6flora5ubrpbdp0p6d9o', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"6flora5ubrpbdp0p6d9o","tenant_id":"default","authorization_server_id":"default","service_id":"vshj19q9suqp244dtppg","name":"pets.*","display_name":"","description":"","implicit":false}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801clvu7pd8sgr67', 'default', 'server', 'updated', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '{"trusted_issuers":[]}', '{"trusted_issuers":[{"issuer_url":"https://idp.example.com","jwks_url":"","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]},"audiences":["pets"]}]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8009d86irr8ioq0q', 'default', 'server', 'updated', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '{"metadata":{}}', '{"metadata":{"owner":"team pets"}}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800nu60ssr2isqn5', 'default', 'tokens', 'revoked', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"5of1gh7g4e731u6a1ui1","subject":""}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800ubde20i8pjajr', 'default', 'client', 'generated', '5of1gh7g4e731u6a1ui1', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"5of1gh7g4e731u6a1ui1","old_secrets_work_for":"1h0m0s"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800bfplhmmng3cki', 'default', 'login', 'accepted', '6em6uovjn4clqlji3iaq', 1, '6em6uovjn4clqlji3iaq', 'joe', '192.0.2.1', 'Firefox', 1772366400000000, '', '{"amr":["pwd"],"idp_id":"static","session":"issuer"}');
INSERT INTO decisions (tenant_id, workspace_id, id, gateway_id, at, result, reason, api_id, policy_id, duration_us, event_json) VALUES ('default', 'default', '0034nt9lls801jk95i76anq9i9', '8ok0n8m7a9dqd2ua6jmt', 1772366400000000, 'UNAUTHORIZED', 'policy_denied', 'pehze4u8qr4g6pbwpfwdqhmx8rhg4h5mm7dwkin9f7oo', 'default-it-s-outer', 40, '{"path":"/pets"}');
INSERT INTO decision_minutes (tenant_id, workspace_id, minute, api_id, policy_id, result, reason, decisions, duration_us) VALUES ('default', 'default', 1772366400000000, 'pehze4u8qr4g6pbwpfwdqhmx8rhg4h5mm7dwkin9f7oo', 'default-it-s-outer', 'UNAUTHORIZED', 'policy_denied', 1, 40);
INSERT INTO grants (tenant_id, id, workspace_id, client_id, user_id, scopes_json, resources_json, code_hash, family_hash, auth_at, created_at, used_at, expires_at, sid, authn_json) VALUES ('default', 'grant', 'default', '5of1gh7g4e731u6a1ui1', 'n2jap5li7d4j4p8sligf', '["openid"]', '[]', 'c0de', 'fa41', 1772366400000000, 1772366400000000, 1772366400000000, 1772370000000000, '', '{"amr":null}');
INSERT INTO codes (code_hash, tenant_id, grant_id, redirect_uri, code_challenge, nonce, expires_at) VALUES ('c0de', 'default', 'grant', 'https://app.example.com/cb', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', '', 1772370000000000);
INSERT INTO refresh_tokens (token_hash, tenant_id, grant_id, expires_at) VALUES ('4ef4', 'default', 'grant', 1772370000000000);
INSERT INTO pushed_requests (uri_hash, tenant_id, workspace_id, client_id, query, expires_at) VALUES ('9a4', 'default', 'default', '5of1gh7g4e731u6a1ui1', 'scope=openid', 1772370000000000);
INSERT INTO revoked_tokens (tenant_id, workspace_id, id, expires_at) VALUES ('default', 'default', 'jti-1', 1772370000000000);
INSERT INTO workspace_secrets (tenant_id, workspace_id, id, name, sealed, created_at, updated_at) VALUES ('default', 'default', '7d4tn6v25gq7v8m81q8d', 'API key', '4054397c:mBAJ/5ZjEDmCECJnxD7ePoAOUHXveO53k52/Ti3SDsse', 1772366400000000, 1772366400000000);
INSERT INTO token_cutoffs (tenant_id, workspace_id, client_id, subject, issued_until, expires_at) VALUES ('default', 'default', '5of1gh7g4e731u6a1ui1', '', 1772366400000000, 1772452800000000);
INSERT INTO client_assertions (tenant_id, client_id, jti_hash, expires_at) VALUES ('default', '5of1gh7g4e731u6a1ui1', 'a55e', 1772370000000000);
INSERT INTO access_tokens (token_hash, tenant_id, workspace_id, claims_json, expires_at) VALUES ('0a9e', 'default', 'default', '{"sub":"it''s me"}', 1772370000000000);
INSERT INTO decision_latencies (tenant_id, workspace_id, minute, allowed, slot, decisions) VALUES ('default', 'default', 1772366400000000, FALSE, 26, 1);
INSERT INTO idps (tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at) VALUES ('default', 'admin', 'static', 'Users of this workspace', 'static', FALSE, '{}', '', 1772366400000000, 1772366400000000);
INSERT INTO idps (tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at) VALUES ('default', 'default', 'static', 'Users of this workspace', 'static', FALSE, '{}', '', 1772366400000000, 1772366400000000);
INSERT INTO idps (tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at) VALUES ('default', 'spare', 'static', 'Users of this workspace', 'static', FALSE, '{}', '', 1772366400000000, 1772366400000000);
INSERT INTO idps (tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at) VALUES ('default', 'default', 'example-login', 'Example Login', 'oidc', FALSE, '{"issuer_url":"https://idp.example.com","client_id":"portcullis","token_endpoint_auth_method":"client_secret_basic","scopes":["openid","profile","email"],"id_token_signing_algs":["RS256","ES256","PS256","EdDSA"],"fetch_userinfo":false,"mappings":[],"roles":[]}', '4054397c:mEPquUuleZ6PJ4JlGF4Gub1s6Ls67HHWBxmhZo8GwM6eG4yn', 1772366400000000, 1772366400000000);
