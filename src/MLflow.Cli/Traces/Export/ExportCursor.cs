using System.Text.Json.Serialization;

namespace MLflow.Cli.Traces.Export;

/// <summary>How far an export has come.</summary>
internal sealed record ExportCursor
{
    /// <summary>What is exported: a cursor is good for that alone.</summary>
    public required string Server { get; init; }

    public required IReadOnlyList<string> ExperimentIds { get; init; }

    public string? Filter { get; init; }

    public required string Format { get; init; }

    /// <summary>Asks for the page that was being written; null for the first.</summary>
    public string? PageToken { get; init; }

    /// <summary>Traces of that page that are written; at most a page.</summary>
    public IReadOnlyList<string> Written { get; init; } = [];

    /// <summary>Bytes of the file that are good; what follows was cut off in the middle.</summary>
    public long Bytes { get; init; }

    /// <summary>Parts of the folder that are good, of a Parquet export.</summary>
    public int Parts { get; init; }

    /// <summary>Traces in the file.</summary>
    public long Traces { get; init; }

    [JsonIgnore]
    public (string, string, string?, string) Subject => (Server, string.Join(',', ExperimentIds), Filter, Format);
}
