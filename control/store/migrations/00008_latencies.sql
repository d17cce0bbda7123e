-- +goose Up
-- How long decisions took, as a histogram per minute: slot is a range of durations. The percentiles of any time are read from
-- it, also those of several workspaces together.
CREATE TABLE decision_latencies (
    tenant_id    TEXT    NOT NULL,
    workspace_id TEXT    NOT NULL,
    minute       BIGINT  NOT NULL, -- microseconds, start of the minute
    allowed      BOOLEAN NOT NULL,
    slot         INTEGER NOT NULL,
    decisions    BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, workspace_id, minute, allowed, slot)
);

-- +goose Down
DROP TABLE decision_latencies;
