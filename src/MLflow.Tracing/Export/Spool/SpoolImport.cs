namespace MLflow;

/// <summary>Sends what ended processes have left in the spool, without a program that traces.</summary>
internal static class SpoolImport
{
    /// <summary>The folder where programs of this user leave their traces; null where the environment says <c>none</c>, or where there is no home.</summary>
    /// <exception cref="ArgumentException">The environment does not name a path.</exception>
    public static string? DefaultFolder() => TrackingSettings.SpoolFolder(new MlflowClientOptions());

    /// <summary>Servers and databases for which something waits, without what living processes hold.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be read.</exception>
    public static IReadOnlyList<string> Targets(string folder)
    {
        var targets = new HashSet<string>();
        foreach (var path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*" + TraceSpool.Extension) : [])
        {
            using var segment = SpoolSegment.TryOpen(path, DateTimeOffset.MinValue, 0);
            if (segment is not null)
            {
                targets.Add(segment.Target);
            }
        }

        return [.. targets.Order(StringComparer.Ordinal)];
    }

    /// <summary>Sends what waits for a server, until all is sent or given up, or the server turns out to be away.</summary>
    /// <param name="folder">The folder of the spool.</param>
    /// <param name="target">One of <see cref="Targets"/>.</param>
    /// <param name="address">Where that server is now.</param>
    /// <param name="cancellationToken">Leaves the rest where it is.</param>
    /// <returns>The counts, of which <see cref="FlushResult.Recovered"/> is what was sent.</returns>
    public static async Task<FlushResult> SendAsync(string folder, string target, Uri address, CancellationToken cancellationToken)
    {
        var log = new SelfLog(null, TimeProvider.System);
        var exporter = new TraceExporter(log, TimeProvider.System, folder, transport: TrackingTransport.Read(Environment.GetEnvironmentVariable), targetOf: _ => target);
        await using (exporter.ConfigureAwait(false))
        {
            return await exporter.SendSpooledAsync(address, cancellationToken).ConfigureAwait(false);
        }
    }
}
