using System.Diagnostics.CodeAnalysis;

namespace MLflow;

/// <summary>A place for traces in Unity Catalog: <c>catalog.schema</c>, or with a prefix of its tables <c>catalog.schema.prefix</c>.</summary>
/// <param name="Catalog">The catalog.</param>
/// <param name="Schema">The schema.</param>
/// <param name="Prefix">The prefix; null where the tables have the names of the first release.</param>
internal sealed record CatalogLocation(string Catalog, string Schema, string? Prefix)
{
    /// <summary>Before the id of a trace in such a place.</summary>
    public const string IdScheme = "trace:/";

    /// <summary>As it stands in paths and ids.</summary>
    public string Id => Prefix is null ? $"{Catalog}.{Schema}" : $"{Catalog}.{Schema}.{Prefix}";

    /// <summary>The table of the spans.</summary>
    public string SpansTable => Prefix is null ? $"{Catalog}.{Schema}.mlflow_experiment_trace_otel_spans" : $"{Catalog}.{Schema}.{Prefix}_otel_spans";

    /// <summary>Whether a destination that is told by an id is one: ids of experiments are numbers.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out CatalogLocation? location)
    {
        location = text?.Split('.') switch
        {
            [var catalog, var schema] when IsName(catalog) && IsName(schema) => new CatalogLocation(catalog, schema, null),
            [var catalog, var schema, var prefix] when IsName(catalog) && IsName(schema) && IsName(prefix) => new CatalogLocation(catalog, schema, prefix),
            _ => null,
        };
        return location is not null;
    }

    /// <summary>Splits the id of a trace, <c>trace:/catalog.schema/0123…</c>.</summary>
    public static bool TryParseId(string traceId, [NotNullWhen(true)] out CatalogLocation? location, out string hex)
    {
        location = null;
        hex = "";
        if (!traceId.StartsWith(IdScheme, StringComparison.Ordinal) || traceId[IdScheme.Length..].Split('/') is not [var place, var id] || !TryParse(place, out location))
        {
            return false;
        }

        hex = id;
        return true;
    }

    private static bool IsName(string name) => name.Length > 0 && name.IndexOfAny(['/', ' ', ':']) < 0;
}
