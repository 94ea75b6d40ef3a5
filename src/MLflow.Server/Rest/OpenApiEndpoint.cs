using MLflow.Server.Access.Http;

namespace MLflow.Server.Rest;

/// <summary>
/// The document of this server's calls. It is kept by hand: the handlers read lenient JSON and write answers straight, so nothing could be read off their signatures.
/// Tests hold it against the routes, the requests of clients and the answers.
/// </summary>
internal static class OpenApiEndpoint
{
    public const string Path = "/openapi/v1.json";
    public const string Resource = "openapi.json";

    private static readonly Lazy<byte[]> Document = new(Read);

    public static void MapOpenApi(this IEndpointRouteBuilder routes) => routes.MapGet(Path, () => Results.Bytes(Document.Value, "application/json")).RequireAccess(AccessPolicies.Any);

    private static byte[] Read()
    {
        using var source = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream(Resource)!;
        using var target = new MemoryStream();
        source.CopyTo(target);
        return target.ToArray();
    }
}
