namespace MLflow.Server;

/// <summary>An identity provider by which people sign in (OpenID Connect, authorization code with PKCE). It is registered there with the redirect address <c>…/signin-oidc</c>.</summary>
public sealed class MlflowOpenIdConnectOptions
{
    /// <summary>The provider's address, as its tokens name it (<c>iss</c>): https, or http on this machine.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>Under which the provider knows this server.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>Null for a client without one, which PKCE alone protects.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>What the button on the login page says after "Sign in with". Default: the issuer's host.</summary>
    public string? Name { get; set; }

    /// <summary>The claim that makes administrators, for example <c>groups</c>. Default none: nobody becomes one or stops being one by signing in.</summary>
    public string? AdminClaim { get; set; }

    /// <summary>The value of <see cref="AdminClaim"/> that administrators have, for example <c>mlflow-admins</c>.</summary>
    public string? AdminValue { get; set; }

    /// <summary>What somebody who signs in for the first time may do with experiments: <c>none</c>, <c>read</c>, <c>edit</c> or <c>manage</c>. Default none.</summary>
    public string DefaultPermission { get; set; } = "none";
}
