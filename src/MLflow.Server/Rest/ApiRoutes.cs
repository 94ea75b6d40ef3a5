using MLflow.Server.Access.Http;

namespace MLflow.Server.Rest;

/// <summary>MLflow mounts every call twice: for programs under <c>/api</c>, for its UI under <c>/ajax-api</c>.</summary>
internal static class ApiRoutes
{
    public const string Api = "/api";
    public const string AjaxApi = "/ajax-api";

    private static readonly string[] Prefixes = [Api, AjaxApi];

    /// <param name="routes">Where to map.</param>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">Version and path, for example <c>2.0/mlflow/experiments/get</c>.</param>
    /// <param name="policy">One of <see cref="AccessPolicies"/>.</param>
    /// <param name="handler">What answers.</param>
    public static void MapApi(this IEndpointRouteBuilder routes, string method, string path, string policy, Delegate handler)
    {
        foreach (var prefix in Prefixes)
        {
            routes.MapMethods($"{prefix}/{path}", [method], handler).RequireAccess(policy);
        }
    }

    public static bool IsApi(PathString path) =>
        path.StartsWithSegments(Api) || path.StartsWithSegments(AjaxApi) || path.StartsWithSegments("/v1");
}
