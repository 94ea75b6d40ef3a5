namespace MLflow;

/// <summary>What a spool file says of a record before its bytes.</summary>
/// <param name="Destination">Where it goes.</param>
/// <param name="SpanCount">Its spans.</param>
/// <param name="SpanBytes">Bytes of the spans, their lengths included.</param>
/// <param name="ExperimentOffset">Where in the facts the experiment's id has to stand.</param>
/// <param name="IsComplete">It has the facts of its trace.</param>
/// <param name="Counts">It stands for its trace in the counters.</param>
internal readonly record struct SpoolRecordHead(TraceDestination Destination, int SpanCount, int SpanBytes, int ExperimentOffset, bool IsComplete, bool Counts);
