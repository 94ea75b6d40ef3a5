using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;

namespace MLflow.Server.Access;

/// <summary>
/// Who asks in this scope: a request, or the circuit of a page, which lives for hours. In a circuit it is found anew at each question, so that a
/// permission that is taken away, a session that is ended or a user who is deleted counts at once. Where nobody was said to ask, nobody may.
/// </summary>
internal sealed class CurrentCaller
{
    private readonly AccessDirectory _directory;
    private readonly IServiceProvider _services;
    private ClaimsPrincipal? _principal;
    private string? _address;
    private Caller? _ofRequest;
    private bool _isServer;

    public CurrentCaller(AccessDirectory directory, IServiceProvider services)
    {
        _directory = directory;
        _services = services;
    }

    public void Set(ClaimsPrincipal principal, string? address) => (_principal, _address) = (principal, address);

    /// <summary>The scope is one of the server's own.</summary>
    public void SetServer() => _isServer = true;

    /// <exception cref="MlflowException">UNAUTHENTICATED: what they signed in with is no longer valid.</exception>
    public async ValueTask<Caller> GetAsync()
    {
        if (_isServer)
        {
            return Caller.Server;
        }

        // A request is over soon: for it, once is enough.
        if (_principal is not null)
        {
            return _ofRequest ??= Find(_principal);
        }

        // Blazor tells a circuit who opened it in this way only.
        return Find((await _services.GetRequiredService<AuthenticationStateProvider>().GetAuthenticationStateAsync().ConfigureAwait(false)).User);
    }

    /// <summary>Who it is, for the audit log.</summary>
    public async ValueTask<Actor> ActorAsync() => new((await GetAsync().ConfigureAwait(false)).User?.Name, _address);

    /// <exception cref="MlflowException">PERMISSION_DENIED: they have none of the rights.</exception>
    public async ValueTask RequireAsync(ExperimentRights anyOf, long experimentId) => (await GetAsync().ConfigureAwait(false)).Require(anyOf, experimentId);

    private Caller Find(ClaimsPrincipal principal) =>
        _directory.Find(principal) ?? throw new MlflowException(ErrorCode.UNAUTHENTICATED, "You are no longer signed in; sign in again.");
}
