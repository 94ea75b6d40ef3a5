using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace MLflow.Server.Access.Http;

/// <summary>For a server that asks nobody to sign in. Whatever credentials are sent mean nothing there.</summary>
internal sealed class OpenAuthentication : AuthenticationHandler<AuthenticationSchemeOptions>
{
    public const string Name = "Open";

    public OpenAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : base(options, logger, encoder)
    {
    }

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
        Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(Credential.Everyone, Name)));
}
