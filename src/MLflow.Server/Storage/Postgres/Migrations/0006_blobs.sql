-- Contents in the blob store. One is written down here before it is put there, so that none is there which nobody knows.
CREATE TABLE blobs (
    name TEXT COLLATE "C" PRIMARY KEY,
    -- SHA-256 of the content.
    hash TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    -- 0: it may be in the store. 1: it is. 2: condemned, it is being deleted, and the same content gets another name.
    state SMALLINT NOT NULL,
    -- When somebody asked for it last in order to refer to it.
    touched_ms BIGINT NOT NULL
);

CREATE UNIQUE INDEX blobs_by_hash ON blobs (hash) WHERE state < 2;

CREATE INDEX blobs_condemned ON blobs (name) WHERE state = 2;

-- Who refers to them.
CREATE TABLE trace_blobs (
    trace_id TEXT COLLATE "C" NOT NULL,
    -- Empty for what belongs to the whole trace.
    span_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (trace_id, span_id, name)
);

CREATE INDEX trace_blobs_by_name ON trace_blobs (name);
