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

    /// <summary>Starts the server, unless it runs already.</summary>
    /// <returns>Its address.</returns>
    /// <exception cref="ArgumentException">The program does not reference the package, or the database cannot be opened.</exception>
    public static Uri Start(string trackingUri)
    {
        var start = Find(trackingUri);
        try
        {
            return start.CreateDelegate<Func<string, Uri>>()(trackingUri);
        }
        catch (Exception e) when (e.GetType().FullName == "MLflow.Server.MlflowServerStartException")
        {
            throw new ArgumentException($"The tracking URI '{trackingUri}' cannot be used: {e.Message}", nameof(trackingUri), e);
        }
    }

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
