using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace MLflow.Server.Access.Http;

/// <summary><c>Authorization: Basic</c> and <c>Bearer</c>, as MLflow's clients send them, and exporters of OpenTelemetry over HTTP and gRPC.</summary>
internal sealed class HeaderAuthentication : AuthenticationHandler<AuthenticationSchemeOptions>
{
    public const string Name = "Authorization";

    private const string Basic = "Basic ";
    private const string Bearer = "Bearer ";

    private readonly AccessDirectory _directory;
    private readonly PasswordCheck _passwords;
    private readonly TokenFailures _tokenFailures;
    private readonly AuditLog _audit;

    public HeaderAuthentication(
        IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AccessDirectory directory, PasswordCheck passwords, TokenFailures tokenFailures, AuditLog audit)
        : base(options, logger, encoder)
    {
        _directory = directory;
        _passwords = passwords;
        _tokenFailures = tokenFailures;
        _audit = audit;
    }

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? CheckTokenAsync(header[Bearer.Length..].Trim())
            : header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase) ? CheckPasswordAsync(header[Basic.Length..].Trim())
            : Task.FromResult(Refuse("The Authorization header is neither 'Basic' nor 'Bearer'."));
    }

    private async Task<AuthenticateResult> CheckTokenAsync(string text)
    {
        if (TokenSecret.TryParse(text, out var secret) && _directory.Verify(secret) is var (user, token))
        {
            return Accept(Credential.Of(Credential.Token, user, token.TokenId));
        }

        var network = PasswordCheck.Network(Context.Connection.RemoteIpAddress);
        if (_tokenFailures.Limits.Wait(network) is { } wait)
        {
            return Refuse("Too many wrong tokens came from this address.", wait);
        }

        _tokenFailures.Limits.Add(network);
        await _audit.WriteAsync(Context.Actor(null), AuditAction.Login, secret is null ? "token" : $"token {secret.TokenId}", AuditResult.Failed).ConfigureAwait(false);
        return Refuse("The token is unknown, expired or revoked.");
    }

    private async Task<AuthenticateResult> CheckPasswordAsync(string base64)
    {
        var text = Decode(base64) ?? "";
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            return Refuse("The Authorization header of Basic is not the Base64 of 'name:password'.");
        }

        var (name, password) = (text[..colon], text[(colon + 1)..]);
        var finding = await _passwords.FindAsync(name, password, Context.Connection.RemoteIpAddress, Context.RequestAborted).ConfigureAwait(false);
        if (finding.IsNew)
        {
            await _audit.WriteAsync(Context.Actor(finding.User?.Name ?? name), AuditAction.Login, "password", finding.User is null ? AuditResult.Failed : AuditResult.Done).ConfigureAwait(false);
        }

        return finding.User is { } user ? Accept(Credential.Of(Credential.Password, user))
            : finding.Wait is { } wait ? Refuse("Too many wrong passwords.", wait)
            : Refuse("The user name or the password is wrong.");
    }

    private static string? Decode(string base64)
    {
        const int MaxLength = 8 * 1024;
        var bytes = new byte[MaxLength];
        return base64.Length <= MaxLength && Convert.TryFromBase64String(base64, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }

    private static AuthenticateResult Accept(ClaimsPrincipal principal) => AuthenticateResult.Success(new AuthenticationTicket(principal, Name));

    private AuthenticateResult Refuse(string message, TimeSpan? wait = null)
    {
        Context.Features.Set(new Refusal(message, wait));
        return AuthenticateResult.Fail(message);
    }
}
