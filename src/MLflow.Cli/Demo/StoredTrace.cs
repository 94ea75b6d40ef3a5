namespace MLflow.Cli.Demo;

/// <summary>What the server says of a trace in a search.</summary>
/// <param name="TraceId">The trace's id, <c>tr-…</c>.</param>
/// <param name="Name">Name of its root span.</param>
/// <param name="State"><c>OK</c>, <c>ERROR</c> or <c>IN_PROGRESS</c>.</param>
/// <param name="Latency">How long it took, as the server writes it: <c>1.234s</c>.</param>
/// <param name="Tokens">Tokens of all model calls, null where none were reported.</param>
internal sealed record StoredTrace(string TraceId, string Name, string State, string Latency, long? Tokens);
