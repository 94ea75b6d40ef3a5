using System.Globalization;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>A change as the text of a notification, of which the database takes less than 8,000 bytes: <c>sender experiments traces</c>, each a list with commas, or * for any.</summary>
internal static class PostgresChangeText
{
    /// <summary>Ids of experiments in one notification, of at most 20 characters each; of more it says that any may have changed.</summary>
    public const int MaxExperiments = 100;

    /// <summary>Hashes of traces in one notification, of 8 characters each.</summary>
    public const int MaxTraces = 500;

    private const string Everything = "*";

    public static string Write(string sender, TraceChange change) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sender} {List(change.Experiments, MaxExperiments, id => id.ToString(CultureInfo.InvariantCulture))} {List(change.Traces, MaxTraces, hash => hash.ToString("x8", CultureInfo.InvariantCulture))}");

    /// <returns>Null where it is not for us: of this sender itself, or of a version that writes it otherwise.</returns>
    public static TraceChange? Read(string text, string sender)
    {
        var parts = text.Split(' ');
        return parts.Length != 3 || parts[0] == sender ? null : new TraceChange(
            Set<long>(parts[1], id => long.TryParse(id, CultureInfo.InvariantCulture, out var number) ? number : null),
            Set<uint>(parts[2], hash => uint.TryParse(hash, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number) ? number : null));
    }

    private static string List<T>(IReadOnlySet<T>? values, int max, Func<T, string> text) => values is null || values.Count > max ? Everything : string.Join(',', values.Select(text));

    private static HashSet<T>? Set<T>(string list, Func<string, T?> read)
        where T : struct => list == Everything ? null : [.. list.Split(',').Select(read).OfType<T>()];
}
