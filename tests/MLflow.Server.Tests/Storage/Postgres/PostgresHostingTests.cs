using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Access;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using Npgsql;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>A whole server on PostgreSQL: what does not go by the stores of traces.</summary>
public sealed class PostgresHostingTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ready_DatabaseThatWrites_IsReady()
    {
        var (status, body) = await server.Required.GetAsync("/health/ready");

        Assert.Equal((200, "ok"), (status, body.GetProperty("checks").GetProperty("database").GetString()));
    }

    [Fact]
    public async Task Users_OfOneServer_CountForTheOtherAtOnce()
    {
        await using var other = await PostgresServer.StartAnotherAsync(server.Required);
        using var client = new HttpClient { BaseAddress = other.BaseAddress };
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(null));

        var users = server.Server.Services.GetRequiredService<IAccessStore>();
        var administration = server.Server.Services.GetRequiredService<AccessAdministration>();
        var user = await users.CreateUserAsync(new NewUser("edith", null, DefaultPermission: Permission.Read), onlyFirst: true, Token);
        var (token, secret) = await administration.CreateTokenAsync(Actor.CommandLine, user, "t", TokenScope.Read, null, null, Token);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(null));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(secret.Text));
        await administration.RevokeTokenAsync(Actor.CommandLine, token.TokenId, Token);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(secret.Text));
        await users.DeleteUserAsync("edith", Token);

        async Task<HttpStatusCode> StatusAsync(string? bearer)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "api/2.0/mlflow/experiments/get?experiment_id=0");
            request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await client.SendAsync(request, Token);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Database_OfPostgres_IsNotForTheToolsOfFiles()
    {
        var failure = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowDatabase.CheckAsync("postgresql://me:secret@db/traces", Token));

        Assert.Contains("pg_dump", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Remap_SpanThatCannotBeMapped_StaysAndKeepsNoOtherFromIt()
    {
        var store = server.Required.Server.Services.GetRequiredService<ITraceStore>();
        var (broken, whole) = (SomeTrace.NewOtelId(), SomeTrace.NewOtelId());
        var spans = new[] { broken, whole }.Select(id => SomeTrace.Span(id, 1, type: "UNKNOWN", attributes: [("gen_ai.operation.name", "\"chat\""), ("gen_ai.request.model", "\"m\"")])).ToList();
        await store.WriteAsync(new TraceBatch { Spans = spans }, Token);
        await using (var connection = server.Connect())
        {
            await using var command = new NpgsqlCommand(
                $"""
                UPDATE spans SET type = 'UNKNOWN', model = NULL;
                UPDATE span_payloads SET codec = 1, payload = '\x00' WHERE trace_id = 'tr-{broken}';
                UPDATE convention_mapping SET version = 0, done_trace_id = 'tr-x', target = 999;
                """,
                connection);
            await command.ExecuteNonQueryAsync(Token);
        }

        var result = await store.RemapAsync(Token);

        Assert.Equal((false, 1), (result.IsMore, result.Failed));
        Assert.NotNull(result.Failure);
        Assert.Equal("CHAT_MODEL", Assert.Single(await store.GetSpansAsync("tr-" + whole, Token)).Type);
        Assert.Equal("m", Assert.Single(await store.GetInfosAsync(["tr-" + whole], Token)).Facts.Model);
        Assert.Equal(new RemapResult(IsMore: false), await store.RemapAsync(Token));
    }
}
