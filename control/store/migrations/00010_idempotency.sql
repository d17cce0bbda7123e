-- +goose Up
-- Requests that named themselves by an idempotency key, for a day: which node works on one, whether its change was
-- committed, and what was answered.
CREATE TABLE idempotent_requests (
    tenant_id     TEXT    NOT NULL,
    actor_id      TEXT    NOT NULL,
    key_hash      TEXT    NOT NULL, -- hex SHA-256: a key may be of any form
    request_hash  TEXT    NOT NULL, -- hex SHA-256 of method, path, query and body
    claim         TEXT    NOT NULL, -- random; who holds it works on the request
    claimed_until BIGINT  NOT NULL, -- then somebody else may try, unless it was carried out
    carried_out   BOOLEAN NOT NULL, -- written by the transaction that made the change
    answer        TEXT    NOT NULL, -- sealed with the master key; '' while there is none
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, actor_id, key_hash)
);
CREATE INDEX idempotent_requests_expires ON idempotent_requests (expires_at);
CREATE INDEX idempotent_requests_created ON idempotent_requests (tenant_id, actor_id, created_at);

-- +goose Down
DROP TABLE idempotent_requests;
