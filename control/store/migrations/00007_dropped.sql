-- +goose Up
-- Decisions that authorizers took and could not report, by gateway and minute of the report.
CREATE TABLE dropped_minutes (
    tenant_id    TEXT   NOT NULL,
    workspace_id TEXT   NOT NULL,
    gateway_id   TEXT   NOT NULL,
    minute       BIGINT NOT NULL, -- microseconds, start of the minute
    dropped      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, minute, gateway_id)
);

-- +goose Down
DROP TABLE dropped_minutes;
