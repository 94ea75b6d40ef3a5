using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MLflow.Server.Tests.Access;

/// <summary>An identity provider on loopback: discovery, keys, authorization codes with PKCE, tokens. It signs in whoever comes, and can be told to lie.</summary>
internal sealed class SomeProvider : IAsyncDisposable
{
    public const string ClientId = "mlflow";
    public const string ClientSecret = "secret & of/the+client";

    private readonly RSA _key = RSA.Create(2048);
    private readonly RSA _otherKey = RSA.Create(2048);
    private readonly Dictionary<string, (string Nonce, string Challenge, string Redirect)> _codes = [];
    private readonly WebApplication _app;

    private SomeProvider()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.UseRouting();
        _app.MapGet("/.well-known/openid-configuration", Discovery);
        _app.MapGet("/keys", Keys);
        _app.MapGet("/authorize", Authorize);
        _app.MapPost("/token", TokenAsync);
    }

    public string Issuer => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>What the next tokens say.</summary>
    public JsonObject Claims { get; set; } = [];

    public bool SignsWithAnotherKey { get; set; }

    public bool DoesNotSign { get; set; }

    /// <summary>The token says that it is signed, and is not.</summary>
    public bool StripsSignature { get; set; }

    /// <summary>How many codes were exchanged.</summary>
    public int Exchanges { get; private set; }

    public static async Task<SomeProvider> StartAsync()
    {
        var provider = new SomeProvider();
        await provider._app.StartAsync();
        return provider;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
        _otherKey.Dispose();
    }

    private IResult Discovery() => Results.Text(
        new JsonObject
        {
            ["issuer"] = Issuer,
            ["authorization_endpoint"] = Issuer + "/authorize",
            ["token_endpoint"] = Issuer + "/token",
            ["jwks_uri"] = Issuer + "/keys",
            ["response_types_supported"] = new JsonArray("code"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
        }.ToJsonString(),
        "application/json");

    private IResult Keys()
    {
        var key = _key.ExportParameters(false);
        var json = new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["kty"] = "RSA",
                ["use"] = "sig",
                ["alg"] = "RS256",
                ["kid"] = "k1",
                ["n"] = Base64Url.EncodeToString(key.Modulus),
                ["e"] = Base64Url.EncodeToString(key.Exponent),
            }),
        };
        return Results.Text(json.ToJsonString(), "application/json");
    }

    private IResult Authorize(HttpRequest request)
    {
        var query = request.Query;
        if (query["client_id"] != ClientId || query["response_type"] != "code" || query["code_challenge_method"] != "S256" || query["response_mode"].ToString() is not ("query" or ""))
        {
            return Results.BadRequest("This is not a request for a code with PKCE.");
        }

        var code = Guid.NewGuid().ToString("n");
        var redirect = query["redirect_uri"].ToString();
        _codes.Add(code, (query["nonce"].ToString(), query["code_challenge"].ToString(), redirect));
        return Results.Redirect($"{redirect}?code={code}&state={Uri.EscapeDataString(query["state"].ToString())}");
    }

    private async Task<IResult> TokenAsync(HttpRequest request)
    {
        var form = await request.ReadFormAsync();
        if (!_codes.Remove(form["code"].ToString(), out var code) || form["client_secret"] != ClientSecret || form["redirect_uri"] != code.Redirect
            || Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))) != code.Challenge)
        {
            return Results.BadRequest(new { error = "invalid_grant" });
        }

        Exchanges++;
        var now = TimeProvider.System.GetUtcNow();
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = ClientId,
            ["sub"] = "subject-1",
            ["preferred_username"] = "ada",
            ["nonce"] = code.Nonce,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddMinutes(5).ToUnixTimeSeconds(),
        };
        foreach (var (name, value) in Claims)
        {
            claims[name] = value?.DeepClone();
        }

        return Results.Text(JsonSerializer.Serialize(new { access_token = "a", token_type = "Bearer", expires_in = 300, id_token = Sign(claims) }), "application/json");
    }

    private string Sign(JsonObject claims)
    {
        var header = DoesNotSign ? """{"alg":"none"}""" : """{"alg":"RS256","kid":"k1","typ":"JWT"}""";
        var text = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        var key = SignsWithAnotherKey ? _otherKey : _key;
        return $"{text}.{(DoesNotSign || StripsSignature ? "" : Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)))}";
    }
}
