using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>The workspace's OAuth token endpoint. Fact sheet §1.5.</summary>
internal sealed class TokenEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    public const string Path = "/oidc/v1/token";

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, TokenAsync).WithMetadata(PublicEndpoint.Mark);

    private async Task TokenAsync(HttpContext context)
    {
        if (context.Request.ContentType != "application/x-www-form-urlencoded")
        {
            throw new UnlistedRequestException($"the content type is '{context.Request.ContentType}'");
        }

        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(ApiRequest.Body(context)));
        switch (form.GetValueOrDefault("grant_type").ToString())
        {
            // Fact sheet §1.5, oauth-m2m: id and secret as HTTP Basic, not in the body.
            case "client_credentials":
                Only(form.Keys, "grant_type", "scope");
                var pair = context.Request.Headers.Authorization.ToString().Split(' ') is ["Basic", var text] ? Encoding.UTF8.GetString(Convert.FromBase64String(text)).Split(':', 2) : [];
                if (form["scope"] != "all-apis" || pair is not [var id, var secret] || !workspace.Tokens.IsServicePrincipal(id, secret))
                {
                    await RefuseAsync(context, 401, "invalid_client", "Client authentication failed");
                    return;
                }

                break;

            // Fact sheet §1.5, OIDC federation.
            case "urn:ietf:params:oauth:grant-type:token-exchange":
                Only(form.Keys, "grant_type", "subject_token", "subject_token_type", "scope", "client_id");
                if (form.GetValueOrDefault("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt" || form.GetValueOrDefault("scope") != "all-apis")
                {
                    throw new UnlistedRequestException("the form is not that of a token exchange");
                }

                if (!workspace.Tokens.IsFederated(form.GetValueOrDefault("subject_token").ToString(), form.TryGetValue("client_id", out var principal) ? principal.ToString() : null))
                {
                    await RefuseAsync(context, 400, "invalid_grant", "The subject token is not trusted");
                    return;
                }

                break;
            default:
                throw new UnlistedRequestException($"the grant type '{form.GetValueOrDefault("grant_type")}'");
        }

        // Fact sheet §1.5: no refresh token.
        await ApiAnswers.OkAsync(context, new { access_token = workspace.Tokens.Issue(), token_type = "Bearer", expires_in = (int)workspace.Tokens.Lifetime.TotalSeconds });
    }

    public static void Only(IEnumerable<string> given, params string[] allowed)
    {
        if (given.Except(allowed).FirstOrDefault() is { } name)
        {
            throw new UnlistedRequestException($"the field '{name}' is not listed");
        }
    }

    /// <summary>Fact sheet §1.5: <c>{error, error_description}</c>.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string error, string description)
    {
        context.Response.StatusCode = status;
        return ApiAnswers.OkAsync(context, new { error, error_description = description });
    }
}
