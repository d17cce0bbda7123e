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
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, TRUE);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (5, TRUE);
INSERT INTO tenants (id, name, created_at) VALUES ('default', 'Default', 1772366400000000);
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'admin', 'Admin', 'Authenticates administrators and automation', '#007FFF', 'admin', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000, '{}', '[]');
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'system', 'System', 'Authenticates gateways', '#007FFF', 'system', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000, '{}', '[]');
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'default', 'Default', '', '#007FFF', 'regular', 'ecdsa', 'jwt', 3600000000000, '.', 10, 1772366400000000, 1772366400000000, 1772366400000000, '{"owner":"team pets"}', '[{"issuer_url":"https://idp.example.com","jwks_url":"","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]},"audiences":["pets"]}]');
INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy, access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at, metadata_json, trusted_issuers_json) VALUES ('default', 'spare', 'Spare', '', '#007FFF', 'regular', 'ecdsa', 'jwt', 3600000000000, '.', 1, 1772366400000000, 1772366400000000, 1772366400000000, '{}', '[]');
INSERT INTO users (tenant_id, id, username, name, role, roles_json, password_hash, created_at) VALUES ('default', 'g327jjlvo5daoodicmf1', 'admin', 'Administrator', 4, '{}', '$argon2id$v=19$m=19456,t=2,p=1$D7q6VEDSYVg+0F9v3hE4sQ$TlhmgqAv7+pmjr2eRvplx9vYHx/kQT4bZmNyeaAbpfs', 1772366400000000);
INSERT INTO users (tenant_id, id, username, name, role, roles_json, password_hash, created_at) VALUES ('default', 'csnns4p2unoreuinddqf', 'joe', '', 0, '{}', '$argon2id$v=19$m=19456,t=2,p=1$cOND5IT9DVDOox39lJK1bw$uXM1o+QZHetjP0N1q+i3PmKzdLEQZYC1MeNV8JlP4H4', 1772366400000000);
INSERT INTO users (tenant_id, id, username, name, role, roles_json, password_hash, created_at) VALUES ('default', '5b18512ha0c4i1dlhqgc', 'jim', '', 0, '{}', '$argon2id$v=19$m=19456,t=2,p=1$GfE0EJlxJZnrdvHQ0RsaEA$7tP6ZOF6Sl5asGeP1htRO2pWVGRlLs/ql1ucS9deklE', 1772366400000000);
INSERT INTO sessions (tenant_id, token_hash, user_id, ip, user_agent, created_at, seen_at) VALUES ('default', '85ace0bc6e28da04130106642ab7724de907ecffef97c17f2ad20f6c20392c18', 'csnns4p2unoreuinddqf', '192.0.2.1', 'Firefox', 1772366400000000, 1772366400000000);
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'admin-automation', 'admin', 'Automation', 'Administers the tenant by the admin API', '["client_credentials"]', '[]', '[]', '[]', 'client_secret_basic', 'active', FALSE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', '2cnf683nm785gsbodgjh', 'system', 'AWS', 'Client of the gateway AWS of the workspace Default', '["client_credentials"]', '[]', '["introspect_tokens","push_gateway_requests","read_gateway_configuration","write_gateway_configuration"]', '[]', 'client_secret_basic', 'active', TRUE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'nl200tlsoveb3c6o01da', 'default', 'App', '', '["client_credentials"]', '[]', '[]', '[]', 'client_secret_basic', 'active', FALSE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json, audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json) VALUES ('default', 'qmt74otqcg88ls0bvqpl', 'default', 'App', '', '["client_credentials"]', '[]', '[]', '[]', 'client_secret_basic', 'active', FALSE, FALSE, 1772366400000000, 1772366400000000, '', '[]');
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'admin-automation', 'lni5c3jt2jhln2001lbd', '4054397c:9mRAoksseV+QNHaTV25431v4beQ5QOosY6kzLuBVO6Z4MTY4kGMAKjNJt9jMuRLJXhdgzbLw55DUGI1gTeNbm09bdEe97Fk', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', '2cnf683nm785gsbodgjh', 'bm7fiigeehk4ct4tpni5', '4054397c:MbkFLThSO/aU6QHFO1b1xGt/SKRThTWMvq8DPKSlLBs4HzyCdsbqRCCzpf9FVRpzLBnJY7Rdp6ar3fwTNIIPhXrmagVaxQw', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'nl200tlsoveb3c6o01da', 'qoa69cm11dmlgcgiuvpm', '4054397c:H9anI/LkRZnuxjOc23YjQU3dA+rjdyA6LIH/DmrJDv6QONeFLQrb5F3UIfowBetQh60DUfA/Y69+T7vcUX+B86jGJI/M4/k', 1772366400000000, 1772370000000000);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'qmt74otqcg88ls0bvqpl', 'i2vgn7j7dbnk0a26o756', '4054397c:spG/rAFp3maAvWebFgFDfTK16cJQaBeVcb4+333DmpyeGDRZKA68TM4BiYj31VD5sj1EuXTJAPMB4WO6OzNK0xdzOK+X78A', 1772366400000000, 0);
INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ('default', 'nl200tlsoveb3c6o01da', '5egkce3k2acap6ch5ig5', '4054397c:WdnK4eLoX2AXnxtDKZqipiTP+7hjI6xf37GplHXRCMgWI3374VRTFh+fmXkGP+/6LCGg6NccVlDfEOrK7myGnXiqaZ+T9f4', 1772366400000000, 0);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'admin', 'umug1b24rVJoAVsAyCvcvqR9sXTeHAN-wctxRoBr-mo', 'ES256', 'sig', '4054397c:RZJjKzp4JEvmxXCBd9LU2YHzxe/ZdgJiIuNN4J/kAwxuqoYo1zJuLVK6H0uFrWhuRXjqn15eWzRBuC8n55ZM5fHi2dhOY8hr+lzfyqseN2alGR78XfrxsCmHtBFj7VTJ9B9u/UoWOfbxv7E59hGiOxDc4CiENAKWuDA7ASp42TGOYPQ/232pysO14v+Lpv+DT58P6zgEhMt2+0/DG97I9fqiIQN5tw', '{"alg":"ES256","crv":"P-256","kid":"umug1b24rVJoAVsAyCvcvqR9sXTeHAN-wctxRoBr-mo","kty":"EC","use":"sig","x":"tfO3p6x46hFMz13sJSZwVR68kilNLAzxP848mEqgre8","y":"3CmkSm9gZTyRRajTdbfE96WB-h4Ed1cwfvSF6IhbJR0"}', TRUE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'system', '8eR-0di2eDZDZ2TOdXoA3OBiaHUZgTQSjG-x2qH-8xM', 'ES256', 'sig', '4054397c:O62xCpFuGM2//Z5GEJVTeDMFj2kQkeG2qVqeSW+w7ib8vpTOR+CRQFDxWiJaF53RdLNcsDr3j36D3ELcEG5MlM5Tgyo2kJ5gEYCojUwqlD2U24u3N9N7RjV8pgbDV8QVoSolPLRs0mGJkTOmglaEGUetW7nxvfKA74v3zaKVarAxBKNTAf4zalPWs0JHIAcpuiBh0hCgjWlJWjQxSyCMwH6/FvL2Sg', '{"alg":"ES256","crv":"P-256","kid":"8eR-0di2eDZDZ2TOdXoA3OBiaHUZgTQSjG-x2qH-8xM","kty":"EC","use":"sig","x":"u2xynobKKOV6F1BhI_7_8BEpy-qHRb5iGthVl0rxsTI","y":"-UJSw0hsqoN5N6FbyFY6odyTrnEu4v8O-DNXc9rMeCs"}', TRUE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'default', 'C6ldDwhn98ah-_oJr2LSb97uzZoiccdPIlZNNSqFUZE', 'ES256', 'sig', '4054397c:TOvAsbmlVNlJvRctIfPTO0m/9Bg6xlo6v1xobk/ctgbljnIxTQweJPrqTzfSOpvtVPS5ePFuTYRrS/ymIEH9pi0EYvWIroN0PnqH518kcMZo4QLS8SiSFvagLWC4rBMlCWnc2IU3gv0Z6I+WEu17YXrqOvH4lDUYawZo7b3Jru9fKWV1YeghTJ4BoWvLNefVHPVe6WEfooQeJ728Dvg0ntM2Zesbig', '{"alg":"ES256","crv":"P-256","kid":"C6ldDwhn98ah-_oJr2LSb97uzZoiccdPIlZNNSqFUZE","kty":"EC","use":"sig","x":"J1_VTr7oC692OKIzgmEYUU5X6MqNo90EaN_m9O4iwXc","y":"dOsTsKUHP0xikOzaj11Z-7XZOJkNmIFhVGsx3gtkTTQ"}', FALSE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'spare', '1k2Z7f7A_4Hu4eL_EkMmEKWfMvyk8E2RG0ILZ_0xQ3Y', 'ES256', 'sig', '4054397c:NzrnRlR6sDpL8zQ5/JDicRSTAQcL3mUwC3dmoOdH3DOgLLBVo9qwEWEEj+6dOK/0DEvqJx6IDmarNQA3N998BxxFySz4+koBtqb56URdX2xNzWwFidd1WPjWVw1H9ZjNUNBeyZcpsb9meEmzUV8LDdI5THmejTVWrItfXfJ4UGNfK1IK/vSQP8x3aEdF1llYwvVeDD7WLKQmceEMijufsspdLSu18Q', '{"alg":"ES256","crv":"P-256","kid":"1k2Z7f7A_4Hu4eL_EkMmEKWfMvyk8E2RG0ILZ_0xQ3Y","kty":"EC","use":"sig","x":"01qNrUKyG2DkguiuIEpLVN8VwFMuUWJ2Hbpowm2R5i0","y":"bOkkNOu9jz3PFE4JMU-YytnQqdhFZ0NBvzQLy4Ev5ck"}', TRUE, 1772366400000000);
INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at) VALUES ('default', 'default', 'ievMIhXVAxrH2qfVH5MmoitzymlVUdccdpwOuixfZBQ', 'ES256', 'sig', '4054397c:q5e05OOAA9mRjuTrTnr8r0Mwx+6qFRDUUUL9NXLAb8S/CL+XstYBzOu7shrB0v4YyH/MLNgnh5lq7qYibKkmZozBy3flrWWdl7h0lzJ5GIR6FPsSKU9zrDbnmGhKMg2Fkh5JfzGnTeLF/opMaUZcju0eziTz0tzY41wZZ0xlHvVGsYnIKUd2IFLjaYhDfzK19kFtp96j3vR8SQyV9VCQaKW1AktfNw', '{"alg":"ES256","crv":"P-256","kid":"ievMIhXVAxrH2qfVH5MmoitzymlVUdccdpwOuixfZBQ","kty":"EC","use":"sig","x":"Uf8xLwRWpCjFN4EK6ZiIMuci0PhEegDH6b2SIIseYHA","y":"LZeZdpDxZ_w85NfSyn3JRsB3eoy0Vrv-1CTHgQEpQ9o"}', TRUE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', 'system-gateway', 'system', 'Gateway', 'What gateways may do', '', TRUE, 'system', FALSE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', '335r2rtdbj9ffi23gm3p', 'default', 'Service', '', '', FALSE, 'user', FALSE, 1772366400000000);
INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type, with_specification, updated_at) VALUES ('default', 'f0cpgni6nn5q3j3hmmeh', 'default', 'PetStore', '', '', FALSE, 'user', FALSE, 1772366400000000);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-introspect-tokens', 'system', 'system-gateway', 'introspect_tokens', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-push-gateway-requests', 'system', 'system-gateway', 'push_gateway_requests', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-read-gateway-configuration', 'system', 'system-gateway', 'read_gateway_configuration', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'system-write-gateway-configuration', 'system', 'system-gateway', 'write_gateway_configuration', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 've01e9kp0v2sd6jvjp57', 'default', '', 'read', '', '', FALSE);
INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit) VALUES ('default', 'ql37lb4lk58hofe35f1a', 'default', 'f0cpgni6nn5q3j3hmmeh', 'pets.*', '', '', FALSE);
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
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'gc3ukht1qj4geauk8fugc4j1gpus4c5om7dwkin9f7oo', 'default', '335r2rtdbj9ffi23gm3p', 'GET', '/a', NULL, 'rest', TRUE, 1, '[]', FALSE);
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'caagghd8p3wuc5uqgiaug4tupbss43mem7dwkin9f7agk7du', 'default', 'f0cpgni6nn5q3j3hmmeh', 'GET', '/pets', 'default-it-s-outer', 'rest', TRUE, 1, '[]', FALSE);
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'caagghd8p3wuc5uqgiaug4tupbss43mem7er6w4wmhzzy3mwqc', 'default', 'f0cpgni6nn5q3j3hmmeh', 'POST', '/pets', NULL, 'rest', TRUE, 2, '[]', FALSE);
INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position, data_classifications_json, gone) VALUES ('default', 'caagghd8p3wuc5uqgiaug4tupbss43mem7ywhsk9f77zyhuxxbh1s9e', 'default', 'f0cpgni6nn5q3j3hmmeh', 'ANY', '/{proxy+}', 'default-it-s-outer', 'rest', TRUE, 3, '[]', TRUE);
INSERT INTO gateways (tenant_id, id, workspace_id, client_id, name, description, type, slot, auto_bind, default_policy_id, inventory_hash, created_at, last_active, inventory_at, first_authenticated, first_discovered, first_attached) VALUES ('default', '80gbtmc79torcvt49ioe', 'default', '2cnf683nm785gsbodgjh', 'AWS', '', 'aws', 0, FALSE, NULL, '5b3c218177728e3f0dfd8e37cbe6e2065365daeeb468fad5332861ade669882f', 1772366400000000, 1772366400000000, 1772366400000000, 1772366400000000, 1772366400000000, 0);
INSERT INTO api_groups (tenant_id, gateway_id, id, workspace_id, natural_key, name, metadata_json, apis_json, service_id, gone, seen_at) VALUES ('default', '80gbtmc79torcvt49ioe', 'a1b2c3-dev', 'default', 'aws|eu-west-1|a1b2c3|dev', 'PetStore/dev', '{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}}', '[{"api_type":"rest","method":"GET","path":"/pets"},{"api_type":"rest","method":"POST","path":"/pets"}]', 'f0cpgni6nn5q3j3hmmeh', FALSE, 1772366400000000);
INSERT INTO environments (tenant_id, gateway_id, id, version, authorizer_version, revision, age_seconds, first_seen, seen_at) VALUES ('default', '80gbtmc79torcvt49ioe', 'one', '1.0', '', 3, 0, 1772366400000000, 1772366400000000);
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8009u9ck23inv6av', 'admin', 'server', 'created', 'admin', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"admin","tenant_id":"default","name":"Admin","description":"Authenticates administrators and automation","color":"#007FFF","type":"admin","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801ub7gbt0nueret', 'system', 'server', 'created', 'system', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"system","tenant_id":"default","name":"System","description":"Authenticates gateways","color":"#007FFF","type":"system","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801el8tfne8ug6k8', 'default', 'server', 'created', 'default', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"default","tenant_id":"default","name":"Default","description":"","color":"#007FFF","type":"regular","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800svf96fsefdn56', 'admin', 'user', 'created', 'g327jjlvo5daoodicmf1', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"id":"g327jjlvo5daoodicmf1","tenant_id":"default","username":"admin","name":"Administrator","role":"admin","created_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800q8793jfstr97k', 'admin', 'client', 'created', 'admin-automation', 4, 'bootstrap', 'bootstrap', '', '', 1772366400000000, '', '{"client_id":"admin-automation","tenant_id":"default","authorization_server_id":"admin","client_name":"Automation","description":"Administers the tenant by the admin API","grant_types":["client_credentials"],"redirect_uris":[],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":false,"trusted":false,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8002i4rnku2lvuk9', 'default', 'gateway', 'created', '80gbtmc79torcvt49ioe', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"80gbtmc79torcvt49ioe","tenant_id":"default","authorization_server_id":"default","client_id":"2cnf683nm785gsbodgjh","name":"AWS","description":"","type":"aws","create_and_bind_services_automatically":false,"default_policy_id":"","last_active":"0001-01-01T00:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800csotm8sumnk13', 'default', 'gateway', 'discovered', '80gbtmc79torcvt49ioe', 3, '2cnf683nm785gsbodgjh', 'AWS', '', '', 1772366400000000, '', '{"api_group_id":"a1b2c3-dev","gateway_id":"80gbtmc79torcvt49ioe","gone":false,"metadata":{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}},"name":"PetStore/dev","service_id":""}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801vo65pjhh2agta', 'default', 'service', 'created', '335r2rtdbj9ffi23gm3p', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"335r2rtdbj9ffi23gm3p","tenant_id":"default","authorization_server_id":"default","name":"Service","description":"","custom_audience":"","gateway_id":"","system":false,"type":"user","with_specification":false,"updated_at":"2026-03-01T12:00:00Z","audience":"spiffe://127.0.0.1/default/default/335r2rtdbj9ffi23gm3p"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800ua2k4k1s0q2er', 'default', 'api', 'created', 'gc3ukht1qj4geauk8fugc4j1gpus4c5om7dwkin9f7oo', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"gc3ukht1qj4geauk8fugc4j1gpus4c5om7dwkin9f7oo","tenant_id":"default","server_id":"default","service_id":"335r2rtdbj9ffi23gm3p","method":"GET","path":"/a","api_type":"rest","can_have_policy":true,"position":1,"data_classifications":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801oddfj0p9djmoi', 'default', 'scopes', 'created', 've01e9kp0v2sd6jvjp57', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"ve01e9kp0v2sd6jvjp57","tenant_id":"default","authorization_server_id":"default","service_id":"","name":"read","display_name":"","description":"","implicit":false}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801huacdk71f62km', 'default', 'client', 'created', 'nl200tlsoveb3c6o01da', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"nl200tlsoveb3c6o01da","tenant_id":"default","authorization_server_id":"default","client_name":"App","description":"","grant_types":["client_credentials"],"redirect_uris":[],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":false,"trusted":false,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8019r13r6d50vnen', 'default', 'client', 'created', 'qmt74otqcg88ls0bvqpl', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"qmt74otqcg88ls0bvqpl","tenant_id":"default","authorization_server_id":"default","client_name":"App","description":"","grant_types":["client_credentials"],"redirect_uris":[],"scopes":[],"audience":[],"token_endpoint_auth_method":"client_secret_basic","client_status":"active","system":false,"trusted":false,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","post_logout_redirect_uris":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8018h8lg1he7ojlc', 'spare', 'server', 'created', 'spare', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"spare","tenant_id":"default","name":"Spare","description":"","color":"#007FFF","type":"regular","key_type":"ecdsa","access_token_strategy":"jwt","access_token_ttl":"1h0m0s","dynamic_scope_separator":".","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800uuq3va23e9aq3', 'admin', 'user', 'created', 'csnns4p2unoreuinddqf', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"csnns4p2unoreuinddqf","tenant_id":"default","username":"joe","name":"","role":"none","created_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8011fkhgbr638ou1', 'admin', 'user', 'created', '5b18512ha0c4i1dlhqgc', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"5b18512ha0c4i1dlhqgc","tenant_id":"default","username":"jim","name":"","role":"none","created_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800164sqjq6cah5c', 'default', 'secret', 'created', '0pi4v1uihblm8r1ckn45', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"0pi4v1uihblm8r1ckn45","secret":"API key","server_id":"default","tenant_id":"default","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801s6qa7k26vvbr9', 'default', 'server', 'generated', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"signing_key":"ecdsa"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8010jup9scdk6dmg', 'default', 'service', 'created', 'f0cpgni6nn5q3j3hmmeh', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"f0cpgni6nn5q3j3hmmeh","tenant_id":"default","authorization_server_id":"default","name":"PetStore","description":"","custom_audience":"","gateway_id":"","system":false,"type":"user","with_specification":false,"updated_at":"2026-03-01T12:00:00Z","audience":"spiffe://127.0.0.1/default/default/f0cpgni6nn5q3j3hmmeh"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801viaip85tkd12m', 'default', 'gateway', 'bound', '80gbtmc79torcvt49ioe', 1, 'root', 'admin', '', '', 1772366400000000, '{"api_group_id":"a1b2c3-dev","gateway_id":"80gbtmc79torcvt49ioe","gone":false,"metadata":{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}},"name":"PetStore/dev","service_id":""}', '{"api_group_id":"a1b2c3-dev","gateway_id":"80gbtmc79torcvt49ioe","gone":false,"metadata":{"type":"aws","aws":{"api_id":"a1b2c3","api_name":"PetStore","stage":"dev","region":"eu-west-1"}},"name":"PetStore/dev","service_id":"f0cpgni6nn5q3j3hmmeh"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800n0cf3ufj4afii', 'default', 'policy', 'created', 'default-it-s-outer', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"default-it-s-outer","tenant_id":"default","server_id":"default","policy_name":"It''s outer","language":"cloudentity","type":"api","definition":"","validators":[{"name":"embedded-policy","conf":{"policy_id":"block_default_api"},"recovery":[]}]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8004b640v1s9vnq0', 'default', 'policy', 'created', 'default-rego', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"default-rego","tenant_id":"default","server_id":"default","policy_name":"Rego","language":"rego","type":"api","definition":"package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"it''s me\" }\n","validators":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801tncmqqlqs0488', 'default', 'gateway_policy', 'updated', 'caagghd8p3wuc5uqgiaug4tupbss43mem7dwkin9f7agk7du', 1, 'root', 'admin', '', '', 1772366400000000, '{"id":"caagghd8p3wuc5uqgiaug4tupbss43mem7dwkin9f7agk7du","tenant_id":"default","server_id":"default","service_id":"f0cpgni6nn5q3j3hmmeh","method":"GET","path":"/pets","api_type":"rest","can_have_policy":true,"position":1,"data_classifications":[]}', '{"id":"caagghd8p3wuc5uqgiaug4tupbss43mem7dwkin9f7agk7du","tenant_id":"default","server_id":"default","service_id":"f0cpgni6nn5q3j3hmmeh","method":"GET","path":"/pets","policy_id":"default-it-s-outer","api_type":"rest","can_have_policy":true,"position":1,"data_classifications":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8018mhhs88ub7r0n', 'default', 'gateway_policy', 'updated', 'caagghd8p3wuc5uqgiaug4tupbss43mem7ywhsk9f77zyhuxxbh1s9e', 1, 'root', 'admin', '', '', 1772366400000000, '{"id":"caagghd8p3wuc5uqgiaug4tupbss43mem7ywhsk9f77zyhuxxbh1s9e","tenant_id":"default","server_id":"default","service_id":"f0cpgni6nn5q3j3hmmeh","method":"ANY","path":"/{proxy+}","api_type":"rest","can_have_policy":true,"position":3,"data_classifications":[]}', '{"id":"caagghd8p3wuc5uqgiaug4tupbss43mem7ywhsk9f77zyhuxxbh1s9e","tenant_id":"default","server_id":"default","service_id":"f0cpgni6nn5q3j3hmmeh","method":"ANY","path":"/{proxy+}","policy_id":"default-it-s-outer","api_type":"rest","can_have_policy":true,"position":3,"data_classifications":[]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls8004fheerfkn0e1a', 'default', 'scopes', 'created', 'ql37lb4lk58hofe35f1a', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"id":"ql37lb4lk58hofe35f1a","tenant_id":"default","authorization_server_id":"default","service_id":"f0cpgni6nn5q3j3hmmeh","name":"pets.*","display_name":"","description":"","implicit":false}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800h4mc4jqk2aufi', 'default', 'server', 'updated', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '{"trusted_issuers":[]}', '{"trusted_issuers":[{"issuer_url":"https://idp.example.com","jwks_url":"","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]},"audiences":["pets"]}]}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801v3nl8p77vsp7d', 'default', 'server', 'updated', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '{"metadata":{}}', '{"metadata":{"owner":"team pets"}}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801fktv7fb7qlv6q', 'default', 'tokens', 'revoked', 'default', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"nl200tlsoveb3c6o01da","subject":""}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls801d3ositb4pjj6d', 'default', 'client', 'generated', 'nl200tlsoveb3c6o01da', 1, 'root', 'admin', '', '', 1772366400000000, '', '{"client_id":"nl200tlsoveb3c6o01da","old_secrets_work_for":"1h0m0s"}');
INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at, before_json, after_json) VALUES ('default', '0034nt9lls800blm7hfqelonet', 'admin', 'login', 'accepted', 'csnns4p2unoreuinddqf', 1, 'csnns4p2unoreuinddqf', 'joe', '192.0.2.1', 'Firefox', 1772366400000000, '', '');
INSERT INTO decisions (tenant_id, workspace_id, id, gateway_id, at, result, reason, api_id, policy_id, duration_us, event_json) VALUES ('default', 'default', '0034nt9lls800bimj1ohmoaser', '80gbtmc79torcvt49ioe', 1772366400000000, 'UNAUTHORIZED', 'policy_denied', 'gc3ukht1qj4geauk8fugc4j1gpus4c5om7dwkin9f7oo', 'default-it-s-outer', 40, '{"path":"/pets"}');
INSERT INTO decision_minutes (tenant_id, workspace_id, minute, api_id, policy_id, result, reason, decisions, duration_us) VALUES ('default', 'default', 1772366400000000, 'gc3ukht1qj4geauk8fugc4j1gpus4c5om7dwkin9f7oo', 'default-it-s-outer', 'UNAUTHORIZED', 'policy_denied', 1, 40);
INSERT INTO grants (tenant_id, id, workspace_id, client_id, user_id, scopes_json, resources_json, code_hash, family_hash, auth_at, created_at, used_at, expires_at) VALUES ('default', 'grant', 'default', 'nl200tlsoveb3c6o01da', 'csnns4p2unoreuinddqf', '["openid"]', '[]', 'c0de', 'fa41', 1772366400000000, 1772366400000000, 1772366400000000, 1772370000000000);
INSERT INTO codes (code_hash, tenant_id, grant_id, redirect_uri, code_challenge, nonce, expires_at) VALUES ('c0de', 'default', 'grant', 'https://app.example.com/cb', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', '', 1772370000000000);
INSERT INTO refresh_tokens (token_hash, tenant_id, grant_id, expires_at) VALUES ('4ef4', 'default', 'grant', 1772370000000000);
INSERT INTO pushed_requests (uri_hash, tenant_id, workspace_id, client_id, query, expires_at) VALUES ('9a4', 'default', 'default', 'nl200tlsoveb3c6o01da', 'scope=openid', 1772370000000000);
INSERT INTO revoked_tokens (tenant_id, workspace_id, id, expires_at) VALUES ('default', 'default', 'jti-1', 1772370000000000);
INSERT INTO workspace_secrets (tenant_id, workspace_id, id, name, sealed, created_at, updated_at) VALUES ('default', 'default', '0pi4v1uihblm8r1ckn45', 'API key', '4054397c:KKsnANsrj44Akiw9CT3esQMMpyvl/8b1gRD0KRZHXfQI', 1772366400000000, 1772366400000000);
INSERT INTO token_cutoffs (tenant_id, workspace_id, client_id, subject, issued_until, expires_at) VALUES ('default', 'default', 'nl200tlsoveb3c6o01da', '', 1772366400000000, 1772452800000000);
INSERT INTO client_assertions (tenant_id, client_id, jti_hash, expires_at) VALUES ('default', 'nl200tlsoveb3c6o01da', 'a55e', 1772370000000000);
INSERT INTO access_tokens (token_hash, tenant_id, workspace_id, claims_json, expires_at) VALUES ('0a9e', 'default', 'default', '{"sub":"it''s me"}', 1772370000000000);
