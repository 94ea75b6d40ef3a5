using System.Reflection;

namespace MLflow;

/// <summary>
/// Tracking URIs that name a database: the full package, where the program references it, starts its server within the process (docs/adr/0015). The one look-up
/// of a type by its name: the light package cannot reference the full one.
/// </summary>
internal static class EmbeddedStore
{
    public const string Scheme = "sqlite:";

    private const string ServerType = "MLflow.Server.EmbeddedServer, MLflow.Server";
    private const string StartMethod = "Start";

    /// <summary>Starts the server, unless it runs already.</summary>
    /// <returns>Its address.</returns>
    /// <exception cref="ArgumentException">The program does not reference the package, or the database cannot be opened.</exception>
    public static Uri Start(string trackingUri)
    {
        var type = Type.GetType(ServerType);
        var method = type?.GetMethod(StartMethod, BindingFlags.Public | BindingFlags.Static, [typeof(string)]);
        if (method is null)
        {
            throw new ArgumentException(
                $"The tracking URI '{trackingUri}' names a database, for which the program needs the package MLflow: reference it, or give the address of an MLflow server.",
                nameof(trackingUri));
        }

        try
        {
            return method.CreateDelegate<Func<string, Uri>>()(trackingUri);
        }
        catch (Exception e) when (e.GetType().FullName == "MLflow.Server.MlflowServerStartException")
        {
            throw new ArgumentException($"The tracking URI '{trackingUri}' cannot be used: {e.Message}", nameof(trackingUri), e);
        }
    }
}
