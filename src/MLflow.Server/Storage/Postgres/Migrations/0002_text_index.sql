-- Where the text of a trace is indexed: segment * 512 + place in it. Below 0 where it waits to be: each change of the trace takes one away, so that who indexed it sees whether it has changed
-- meanwhile. What is here already waits, too.
ALTER TABLE traces ADD COLUMN text_place BIGINT NOT NULL DEFAULT -1;

CREATE INDEX traces_by_text_place ON traces (text_place);

CREATE TABLE text_segments (
    segment_id BIGINT PRIMARY KEY,
    -- Places that were given out, and those of them whose traces were there when the pages were written.
    traces INTEGER NOT NULL,
    live INTEGER NOT NULL,
    is_full SMALLINT NOT NULL,
    -- When the first and the last of them began.
    min_time_ms BIGINT NOT NULL,
    max_time_ms BIGINT NOT NULL
);

-- Which traces of a segment have which grams (TextSegment). Pages of the same grams lie together. No trace's id is in it: distributed by the segment.
CREATE TABLE text_pages (
    page SMALLINT NOT NULL,
    segment_id BIGINT NOT NULL,
    grams BYTEA NOT NULL,
    PRIMARY KEY (page, segment_id)
);

-- It is compressed already.
ALTER TABLE text_pages ALTER COLUMN grams SET STORAGE EXTERNAL;
