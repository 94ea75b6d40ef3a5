namespace MLflow.Cli.MlflowDatabases;

/// <summary>Files of traces in the artifact folder of MLflow's own server: <c>{experiment}/traces/{trace}/artifacts/…</c></summary>
internal sealed class ArtifactFiles
{
    private const string ProxyScheme = "mlflow-artifacts:";

    private readonly string? _root;

    /// <param name="root">The folder; null where nobody named one, and only places that the database names in full are read.</param>
    public ArtifactFiles(string? root) => _root = root is null ? null : Path.GetFullPath(root);

    /// <summary>The folder of a trace's files; null where there is none.</summary>
    public string? FolderOf(SourceTrace trace, long experimentId)
    {
        // A name from a database: it must not lead anywhere else.
        if (trace.TraceId.AsSpan().ContainsAny('/', '\\') || trace.TraceId is "." or "..")
        {
            return null;
        }

        string?[] places = _root is null
            ? [Local(trace.ArtifactLocation)]
            : [Below(trace.ArtifactLocation), Path.Combine(_root, $"{experimentId}", "traces", trace.TraceId, "artifacts"), Local(trace.ArtifactLocation)];
        return places.FirstOrDefault(Directory.Exists);
    }

    private string? Below(string? location)
    {
        if (location?.StartsWith(ProxyScheme, StringComparison.Ordinal) != true)
        {
            return null;
        }

        // With a host, as mlflow-artifacts://host/1/traces/…, or without.
        var path = Uri.TryCreate(location, UriKind.Absolute, out var uri) ? Uri.UnescapeDataString(uri.AbsolutePath) : location[ProxyScheme.Length..];
        var full = Path.GetFullPath(Path.Combine(_root!, path.TrimStart('/')));
        return full.StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? full : null;
    }

    private static string? Local(string? location) =>
        location is null ? null
        : Uri.TryCreate(location, UriKind.Absolute, out var uri) ? uri.IsFile ? uri.LocalPath : null
        : Path.GetFullPath(location);
}
