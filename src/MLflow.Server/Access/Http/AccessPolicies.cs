using Microsoft.AspNetCore.Authorization;

namespace MLflow.Server.Access.Http;

/// <summary>
/// What a route is for. Each route has one of these; a route that says nothing is for administrators only. What a caller may do
/// with an experiment is decided by the stores (<see cref="Guards"/>), since routes do not know it.
/// </summary>
internal static class AccessPolicies
{
    /// <summary>Everybody.</summary>
    public const string Open = "open";

    /// <summary>Whoever has signed in, whatever the token is for.</summary>
    public const string Any = "any";

    /// <summary>Sends traces.</summary>
    public const string Ingest = "ingest";

    public const string Read = "read";

    public const string Write = "write";

    /// <summary>All that the user may: not for tokens of a smaller scope.</summary>
    public const string Full = "full";

    /// <summary>Manages users.</summary>
    public const string Administrator = "administrator";

    /// <summary>Says for whom endpoints are.</summary>
    public static TBuilder RequireAccess<TBuilder>(this TBuilder endpoints, string policy)
        where TBuilder : IEndpointConventionBuilder => policy == Open ? endpoints.AllowAnonymous() : endpoints.RequireAuthorization(policy);

    public static void Add(AuthorizationOptions options)
    {
        Add(Any, _ => true);
        Add(Ingest, caller => caller.Has(TokenScope.Ingest));
        Add(Read, caller => caller.Has(TokenScope.Read));
        Add(Write, caller => caller.Has(TokenScope.Write));
        Add(Full, caller => caller.Has(TokenScope.Admin));
        Add(Administrator, caller => caller.IsAdministrator);

        // What is not there must not tell by another answer to strangers what is.
        options.FallbackPolicy = new AuthorizationPolicyBuilder()
            .AddRequirements(new CallerRequirement(Administrator, caller => caller.IsAdministrator, mayBeNowhere: true)).Build();
        options.DefaultPolicy = options.GetPolicy(Administrator)!;

        void Add(string name, Func<Caller, bool> isAllowed) =>
            options.AddPolicy(name, policy => policy.AddRequirements(new CallerRequirement(name, isAllowed)));
    }
}
