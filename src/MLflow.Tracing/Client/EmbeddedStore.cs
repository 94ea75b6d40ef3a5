using System.Collections.Concurrent;
using System.Reflection;

namespace MLflow;

/// <summary>
/// Tracking URIs that name a database: the full package, where the program references it, starts its server within the process (docs/adr/0015). The one look-up
/// of a type by its name: the light package cannot reference the full one.
/// </summary>
internal static class EmbeddedStore
{
    public const string Scheme = "sqlite:";

    private const string Prefix = "sqlite:///";
    private const string ServerType = "MLflow.Server.EmbeddedServer, MLflow.Server";
    private const string StartMethod = "Start";

    // Bounded by the servers that the process has started.
    private static readonly ConcurrentDictionary<Uri, string> Databases = [];

    /// <summary>Starts the server, unless it runs already.</summary>
    /// <returns>Its address, without a slash at the end.</returns>
    /// <exception cref="ArgumentException">The program does not reference the package, or the database cannot be opened.</exception>
    public static Uri Start(string trackingUri)
    {
        var start = Find(trackingUri);
        try
        {
            var address = new Uri(start.CreateDelegate<Func<string, Uri>>()(trackingUri).ToString().TrimEnd('/'));
            Databases[address] = NameOf(trackingUri);
            return address;
        }
        catch (Exception e) when (e.GetType().FullName == "MLflow.Server.MlflowServerStartException")
        {
            throw new ArgumentException($"The tracking URI '{trackingUri}' cannot be used: {e.Message}", nameof(trackingUri), e);
        }
    }

    /// <summary>The database of a server that this process has started, as <see cref="NameOf"/> says it; null for every other address.</summary>
    public static string? At(Uri address) => Databases.GetValueOrDefault(address);

    /// <summary>The same for all programs, wherever they were started.</summary>
    public static string NameOf(string trackingUri)
    {
        var path = Path.GetFullPath(PathOf(trackingUri));
        return Prefix + (OperatingSystem.IsWindows() ? path.ToUpperInvariant() : path);
    }

    public static string PathOf(string trackingUri) => trackingUri[Prefix.Length..];

    public static bool IsDatabase(string trackingUri) => trackingUri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether such a URI can be used, as far as that can be told without opening the database.</summary>
    /// <exception cref="ArgumentException">It names no database, or the program does not reference the package.</exception>
    public static void Check(string trackingUri) => Find(trackingUri);

    private static MethodInfo Find(string trackingUri)
    {
        if (!trackingUri.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || trackingUri.Length == Prefix.Length)
        {
            throw new ArgumentException($"The tracking URI '{trackingUri}' names no database: write sqlite:///relative/path.db or sqlite:////absolute/path.db.", nameof(trackingUri));
        }

        return Type.GetType(ServerType)?.GetMethod(StartMethod, BindingFlags.Public | BindingFlags.Static, [typeof(string)]) ?? throw new ArgumentException(
            $"The tracking URI '{trackingUri}' names a database, for which the program needs the package MLflow: reference it, or give the address of an MLflow server.",
            nameof(trackingUri));
    }
}
