-- What clients look up by: the traces of a run, of a session, of an id of their own. Partial, so that other rows cost nothing.
CREATE INDEX trace_metadata_by_run ON trace_metadata (value, trace_id) WHERE key = 'mlflow.sourceRun';

CREATE INDEX trace_metadata_by_session ON trace_metadata (value, trace_id) WHERE key = 'mlflow.trace.session';

CREATE INDEX trace_runs_by_run ON trace_runs (run_id, trace_id);

CREATE INDEX traces_by_client_request ON traces (client_request_id) WHERE client_request_id IS NOT NULL;

-- Assessments of a whole session stand on one of its traces and name it in their metadata.
CREATE INDEX assessments_by_session ON assessments (json_extract(metadata, '$."mlflow.trace.session"'), name);
