using System.Security.Claims;

namespace MLflow.Server.Access;

/// <summary>What somebody signed in with, as the claims of a principal: whom it stands for is looked up anew each time, so that it ends when it is revoked.</summary>
internal static class Credential
{
    public const string Open = "open";
    public const string Password = "password";
    public const string Session = "session";
    public const string Token = "token";

    private const string KindClaim = "mlflow:credential";
    private const string KeyClaim = "mlflow:key";

    /// <summary>On a server that asks nobody to sign in.</summary>
    public static ClaimsPrincipal Everyone { get; } = new(new ClaimsIdentity([new Claim(KindClaim, Open)], Open));

    /// <param name="kind">One of the constants.</param>
    /// <param name="user">Who.</param>
    /// <param name="key">The token's id, or the hash of the session's key in hexadecimal digits.</param>
    public static ClaimsPrincipal Of(string kind, User user, string? key = null)
    {
        var identity = new ClaimsIdentity(kind);
        identity.AddClaim(new Claim(ClaimTypes.NameIdentifier, user.UserId.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        identity.AddClaim(new Claim(ClaimTypes.Name, user.Name));
        identity.AddClaim(new Claim(KindClaim, kind));
        if (key is not null)
        {
            identity.AddClaim(new Claim(KeyClaim, key));
        }

        return new ClaimsPrincipal(identity);
    }

    public static string? Kind(ClaimsPrincipal principal) => principal.FindFirst(KindClaim)?.Value;

    public static string? Key(ClaimsPrincipal principal) => principal.FindFirst(KeyClaim)?.Value;

    public static long? UserId(ClaimsPrincipal principal) =>
        long.TryParse(principal.FindFirst(ClaimTypes.NameIdentifier)?.Value, System.Globalization.CultureInfo.InvariantCulture, out var id) ? id : null;
}
