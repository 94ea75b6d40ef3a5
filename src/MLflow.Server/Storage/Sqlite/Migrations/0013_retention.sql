-- The content in the blob store that has the spans of an archived trace; their payloads are not here any more.
ALTER TABLE traces ADD COLUMN archive TEXT;

-- When this database learned of retention: nothing expires as if it had always been so.
CREATE TABLE retention (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    started_ms INTEGER NOT NULL
);

-- Of several servers, who does a job.
CREATE TABLE job_leases (
    job TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- For deletion by user.
CREATE INDEX trace_metadata_by_user ON trace_metadata (value, trace_id) WHERE key = 'mlflow.trace.user';
