using Microsoft.AspNetCore.Authorization;

namespace MLflow.Server.Access.Http;

/// <summary>What a policy asks of the caller.</summary>
internal sealed class CallerRequirement : IAuthorizationRequirement
{
    /// <param name="name">Of the policy.</param>
    /// <param name="isAllowed">Whether the caller may.</param>
    /// <param name="mayBeNowhere">Whether addresses where there is nothing are for whoever has signed in.</param>
    public CallerRequirement(string name, Func<Caller, bool> isAllowed, bool mayBeNowhere = false)
    {
        Name = name;
        IsAllowed = isAllowed;
        MayBeNowhere = mayBeNowhere;
    }

    public string Name { get; }

    public Func<Caller, bool> IsAllowed { get; }

    public bool MayBeNowhere { get; }
}
