-- Contents in the blob store. One is written down here before it is put there, so that none is there which nobody knows.
CREATE TABLE blobs (
    name TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the content.
    hash TEXT NOT NULL,
    size INTEGER NOT NULL,
    -- 0: it may be in the store. 1: it is. 2: condemned, it is being deleted, and the same content gets another name.
    state INTEGER NOT NULL,
    -- When somebody asked for it last in order to refer to it.
    touched_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX blobs_by_hash ON blobs (hash) WHERE state < 2;

CREATE INDEX blobs_condemned ON blobs (name) WHERE state = 2;

-- Who refers to them.
CREATE TABLE trace_blobs (
    trace_id TEXT NOT NULL REFERENCES traces (trace_id) ON DELETE CASCADE,
    -- Empty for what belongs to the whole trace.
    span_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id, name)
) WITHOUT ROWID;

CREATE INDEX trace_blobs_by_name ON trace_blobs (name);
