-- +goose Up
-- Where the users of a workspace prove who they are: the workspace's own list ("static"), or another OpenID provider.
CREATE TABLE idps (
    tenant_id     TEXT    NOT NULL,
    workspace_id  TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    method        TEXT    NOT NULL, -- static, oidc
    disabled      BOOLEAN NOT NULL,
    settings_json TEXT    NOT NULL,
    sealed        TEXT    NOT NULL, -- our client secret there; '': none
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, id),
    FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspaces (tenant_id, id) ON DELETE CASCADE
);
INSERT INTO idps (tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at)
    SELECT tenant_id, id, 'static', 'Users of this workspace', 'static', FALSE, '{}', '', created_at, created_at FROM workspaces WHERE id <> 'system';

-- A user is one of an identity provider of a workspace; those of the workspace admin are the portal's. identity is
-- "{workspace}/{idp}/{subject}" and unique in the tenant; the subject of a static user is the username.
ALTER TABLE users RENAME COLUMN username TO identity;
ALTER TABLE users ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN workspace_id TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE users ADD COLUMN idp_id TEXT NOT NULL DEFAULT 'static';
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN attributes_json TEXT NOT NULL DEFAULT '{}'; -- claims of the access tokens
ALTER TABLE users ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN login_at BIGINT NOT NULL DEFAULT 0;
UPDATE users SET username = identity, identity = 'admin/static/' || identity;
CREATE INDEX users_workspace ON users (tenant_id, workspace_id, id);

-- A session is one of the portal, or one of the issuer of the user's workspace; those of one log-in share sid and end
-- together. authn_json says how the user proved who it is: {amr, acr}.
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'portal';
ALTER TABLE sessions ADD COLUMN sid TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN auth_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN authn_json TEXT NOT NULL DEFAULT '{"amr":["pwd"]}';
UPDATE sessions SET auth_at = created_at, sid = token_hash;
CREATE INDEX sessions_sid ON sessions (tenant_id, sid);

ALTER TABLE grants ADD COLUMN sid TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN authn_json TEXT NOT NULL DEFAULT '{"amr":["pwd"]}';

-- Log-ins that are on their way to another OpenID provider, until the browser comes back: whoever deletes the row has it.
CREATE TABLE idp_logins (
    state_hash   TEXT   NOT NULL PRIMARY KEY, -- hex SHA-256
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    idp_id       TEXT   NOT NULL,
    browser_hash TEXT   NOT NULL, -- of the cookie that only this browser has
    query        TEXT   NOT NULL, -- the authorization request to go on with
    expires_at   BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, workspace_id, idp_id) REFERENCES idps (tenant_id, workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX idp_logins_expires ON idp_logins (expires_at);
CREATE INDEX idp_logins_idp ON idp_logins (tenant_id, workspace_id, idp_id);

-- +goose Down
DROP TABLE idp_logins;
ALTER TABLE grants DROP COLUMN authn_json;
ALTER TABLE grants DROP COLUMN sid;
DROP INDEX sessions_sid;
DELETE FROM sessions WHERE kind <> 'portal';
ALTER TABLE sessions DROP COLUMN authn_json;
ALTER TABLE sessions DROP COLUMN auth_at;
ALTER TABLE sessions DROP COLUMN sid;
ALTER TABLE sessions DROP COLUMN kind;
DROP INDEX users_workspace;
DELETE FROM users WHERE workspace_id <> 'admin' OR idp_id <> 'static';
UPDATE users SET identity = username;
ALTER TABLE users DROP COLUMN login_at;
ALTER TABLE users DROP COLUMN disabled;
ALTER TABLE users DROP COLUMN attributes_json;
ALTER TABLE users DROP COLUMN email;
ALTER TABLE users DROP COLUMN idp_id;
ALTER TABLE users DROP COLUMN workspace_id;
ALTER TABLE users DROP COLUMN username;
ALTER TABLE users RENAME COLUMN identity TO username;
DROP TABLE idps;
