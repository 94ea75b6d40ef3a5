-- The content in the blob store that has the spans of an archived trace; their payloads are not here any more.
ALTER TABLE traces ADD COLUMN archive TEXT COLLATE "C";

-- When this database learned of retention: nothing expires as if it had always been so.
CREATE TABLE retention (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    started_ms BIGINT NOT NULL
);

-- Of several servers, who does a job.
CREATE TABLE job_leases (
    job TEXT COLLATE "C" PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    until_ms BIGINT NOT NULL
);
