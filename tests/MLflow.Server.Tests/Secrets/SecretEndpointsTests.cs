using System.Text;
using System.Text.Json;
using MLflow.Server.Tests.Hardening;
using Xunit;

namespace MLflow.Server.Tests.Secrets;

public sealed class SecretEndpointsTests
{
    private const string Root = "/api/3.0/mlflow/gateway/secrets/";

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Secret_FromCreationToDeletion_IsAnsweredAsByMlflow()
    {
        await using var server = await HardenedServer.StartAsync();
        var (status, body, _) = await server.PostJsonAsync(Root + "create", $$$"""{"secret_name":"openai","secret_value":{"api_key":"{{{SomeVault.Key}}}"},"created_by":"forged"}""");
        Assert.Equal(200, status);
        var secret = JsonDocument.Parse(body).RootElement.GetProperty("secret");
        var id = secret.GetProperty("secret_id").GetString()!;
        Assert.Matches("^s-[0-9a-f]{32}$", id);
        Assert.Equal("sk-...abcd", secret.GetProperty("masked_values").GetProperty("api_key").GetString());
        Assert.Equal("openai", secret.GetProperty("provider").GetString());
        Assert.Equal(JsonValueKind.Number, secret.GetProperty("created_at").ValueKind);
        Assert.DoesNotContain("forged", body, StringComparison.Ordinal);

        Assert.Equal(400, (await server.PostJsonAsync(Root + "create", """{"secret_name":"openai","secret_value":{"api_key":"x"}}""")).Status);
        Assert.Contains(id, (await server.SendAsync("GET", Root + "get?secret_name=openai")).Body, StringComparison.Ordinal);
        Assert.Contains(id, (await server.SendAsync("GET", $"{Root}get?secret_id={id}")).Body, StringComparison.Ordinal);
        Assert.Contains(id, (await server.SendAsync("GET", Root + "list?provider=openai")).Body, StringComparison.Ordinal);
        Assert.Equal("{}", (await server.SendAsync("GET", Root + "list?provider=azure")).Body);
        Assert.Contains("Exactly one of", (await server.SendAsync("GET", Root + "get")).Body, StringComparison.Ordinal);
        Assert.Equal("""{"secrets_available":true,"using_default_passphrase":true}""", (await server.SendAsync("GET", Root + "config")).Body);
        Assert.Equal(200, (await server.PostJsonAsync(Root + "update", $$$"""{"secret_id":"{{{id}}}","secret_value":{"api_key":"sk-another-key-of-some-length"}}""")).Status);
        Assert.Contains("sk-...ngth", (await server.SendAsync("GET", $"{Root}get?secret_id={id}")).Body, StringComparison.Ordinal);
        Assert.Equal((200, "{}"), await DeleteAsync(server, id));
        Assert.Equal(404, (await DeleteAsync(server, id)).Status);
    }

    [Theory]
    [InlineData("""{"secret_value":{"api_key":"THE-KEY"}}""", "secret_name")]
    [InlineData("""{"secret_name":"x"}""", "secret_value")]
    [InlineData("""{"secret_name":"x","secret_value":{}}""", "secret_value")]
    [InlineData("""{"secret_name":"x","secret_value":"THE-KEY"}""", "secret_value")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":["THE-KEY"]}}""", "secret_value")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":""}}""", "secret_value")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY\u0000"}}""", "secret_value")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"provider":"nobody"}""", "Provider 'nobody'")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"provider":"azure"}""", "address of its own")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"ftp://h/"}}""", "no address")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://user:pw@h/v1"}}""", "no address")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"http://llm.example/v1"}}""", "https")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://127.0.0.1/v1"}}""", "within this network")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://2130706433/v1"}}""", "within this network")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://0x7f.1/v1"}}""", "within this network")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://[::ffff:169.254.169.254]/v1"}}""", "within this network")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://[64:ff9b::a9fe:a9fe]/v1"}}""", "within this network")]
    [InlineData("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"},"auth_config":{"api_base":"https://localhost./v1"}}""", "within this network")]
    public async Task Secret_ThatCannotBe_SaysWhyAndNotWhatItIs(string json, string reason)
    {
        await using var server = await HardenedServer.StartAsync();

        var (status, body, _) = await server.PostJsonAsync(Root + "create", json);

        Assert.Equal(400, status);
        Assert.Contains(reason, body, StringComparison.Ordinal);
        Assert.DoesNotContain("THE-KEY", body, StringComparison.Ordinal);
        Assert.DoesNotContain(":pw@", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ForOtherMachinesWithoutAKey_KeepsNoSecrets()
    {
        await using var server = await HardenedServer.StartAsync(options => (options.Host, options.AllowInsecure) = ("0.0.0.0", true));

        var (status, body, _) = await server.PostJsonAsync(Root + "create", """{"secret_name":"x","secret_value":{"api_key":"THE-KEY"}}""");

        Assert.Equal(400, status);
        Assert.Contains("MLFLOW_CRYPTO_KEK_FILE", body, StringComparison.Ordinal);
        Assert.Equal("""{"secrets_available":false,"using_default_passphrase":false}""", (await server.SendAsync("GET", Root + "config")).Body);
    }

    [Fact]
    public async Task Server_ForOtherMachinesWithSecretsAndNoKey_DoesNotStart()
    {
        using var folder = new TemporaryFolder();
        MlflowServerOptions Options(string host, string? passphrase) => new()
        {
            Host = host,
            AllowInsecure = true,
            Port = 0,
            OtlpGrpcPort = null,
            BackendStoreUri = "sqlite:///" + folder.File("mlflow.db"),
            ArtifactsDestination = folder.File("artifacts"),
            SecretsPassphrase = passphrase,
        };
        await using (var server = await MlflowServer.StartAsync(Options("127.0.0.1", null), Token))
        {
            using var http = new HttpClient { BaseAddress = server.BaseAddress };
            using var content = new StringContent("""{"secret_name":"x","secret_value":{"api_key":"THE-KEY"}}""", Encoding.UTF8, "application/json");
            (await http.PostAsync(new Uri(Root + "create", UriKind.Relative), content, Token)).EnsureSuccessStatusCode();
        }

        var e = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowServer.StartAsync(Options("0.0.0.0", null), Token));

        Assert.Contains("The database has secrets", e.Message, StringComparison.Ordinal);
        Assert.Contains("MLFLOW_CRYPTO_KEK_FILE", e.Message, StringComparison.Ordinal);
        await using var withKey = await MlflowServer.StartAsync(Options("0.0.0.0", "some words"), Token);
    }

    private static async Task<(int Status, string Body)> DeleteAsync(HardenedServer server, string id)
    {
        var (status, body, _) = await server.SendAsync("DELETE", Root + "delete", new StringContent($$"""{"secret_id":"{{id}}"}""", null, "application/json"));
        return (status, body);
    }
}
