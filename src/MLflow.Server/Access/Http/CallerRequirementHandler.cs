using Microsoft.AspNetCore.Authorization;

namespace MLflow.Server.Access.Http;

/// <summary>Asks the directory who the caller is now, and the policy whether they may.</summary>
internal sealed class CallerRequirementHandler : AuthorizationHandler<CallerRequirement>
{
    private readonly AccessDirectory _directory;

    public CallerRequirementHandler(AccessDirectory directory) => _directory = directory;

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, CallerRequirement requirement)
    {
        if (_directory.Find(context.User) is { } caller
            && (requirement.IsAllowed(caller) || (requirement.MayBeNowhere && context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint)))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}
