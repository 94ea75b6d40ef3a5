using System.Collections.Concurrent;
using MLflow.Tests.Otlp;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>The part of Unity Catalog that traces go to.</summary>
internal sealed class StoredCatalog
{
    private readonly ConcurrentDictionary<string, byte> _schemas = new();
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, Span>> _tables = new();
    private readonly ConcurrentDictionary<string, StoredTrace> _traces = new();

    /// <summary>The warehouse that reading needs (fact sheet §1.10).</summary>
    public string Warehouse { get; } = "abcdef0123456789";

    /// <summary>How many reads see nothing yet of a trace's spans (fact sheet §1.10, visibility lag).</summary>
    public int ReadsBeforeVisible { get; set; }

    public ICollection<StoredTrace> Traces => _traces.Values;

    /// <summary>Adds a schema, <c>catalog.schema</c>.</summary>
    public void AddSchema(string schema) => _schemas[schema] = 0;

    public bool HasSchema(string schema) => _schemas.ContainsKey(schema);

    /// <summary>Creates the table of a location's spans; false where it was there.</summary>
    public bool CreateTable(string location) => _tables.TryAdd(TableOf(location), new());

    /// <summary>Name of the table, fact sheet §1.10: of the first release for a schema, with a prefix since.</summary>
    public static string TableOf(string location) => location.Split('.') is [var catalog, var schema, var prefix]
        ? $"{catalog}.{schema}.{prefix}_otel_spans"
        : location + ".mlflow_experiment_trace_otel_spans";

    public ConcurrentDictionary<string, Span>? Table(string name) => _tables.GetValueOrDefault(name);

    public IReadOnlyList<Span> Spans(string location, string traceId) =>
        [.. (Table(TableOf(location))?.Values ?? []).Where(s => Convert.ToHexStringLower(s.TraceId.Span) == traceId)];

    public StoredTrace? Find(string location, string id) => _traces.GetValueOrDefault(location + "/" + id);

    public void Put(StoredTrace trace) => _traces[trace.Place + "/" + trace.Id] = trace;
}
