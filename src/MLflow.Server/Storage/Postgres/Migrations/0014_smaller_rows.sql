-- Where in the frame of another span of its trace a span's content is (PayloadFrame, codec 3). Such a span has no row in span_payloads, which with its key weighed more than the rest of the span.
-- Rows with codec 3 from before stay there and are read as well: to move them would write most of the database.
ALTER TABLE spans ADD COLUMN frame_place BYTEA;

-- Absent where the trace's id is 'tr-' and it, which only traces from clients that choose the id are not.
ALTER TABLE spans ALTER COLUMN otel_trace_id DROP NOT NULL;

-- Previews are text in one language or the other, of a thousand characters: pglz gives most of them up, and three rows of traces fill a page that has room for four.
-- PostgreSQL may be built without LZ4, and Citus may not know the statement.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE traces ALTER COLUMN request_preview SET COMPRESSION lz4, ALTER COLUMN response_preview SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN
    RAISE NOTICE 'Previews stay compressed by pglz: %', SQLERRM;
END
$$;
