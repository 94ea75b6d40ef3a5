-- Where the text of a trace is indexed: segment * 512 + place in it. Below 0 where it waits to be: each change of the trace takes one away, so that who indexed it sees whether it has changed
-- meanwhile. What is here already waits, too.
ALTER TABLE traces ADD COLUMN text_place INTEGER NOT NULL DEFAULT -1;

CREATE INDEX traces_by_text_place ON traces (text_place);

CREATE TABLE text_segments (
    segment_id INTEGER PRIMARY KEY,
    -- Places that were given out, and those of them whose traces were there when the pages were written.
    traces INTEGER NOT NULL,
    live INTEGER NOT NULL,
    is_full INTEGER NOT NULL,
    -- When the first and the last of them began.
    min_time_ms INTEGER NOT NULL,
    max_time_ms INTEGER NOT NULL
);

-- Which traces of a segment have which grams (TextSegment). Pages of the same grams lie together.
CREATE TABLE text_pages (
    page INTEGER NOT NULL,
    segment_id INTEGER NOT NULL,
    grams BLOB NOT NULL,
    PRIMARY KEY (page, segment_id)
);
