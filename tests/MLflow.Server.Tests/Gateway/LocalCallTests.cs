using System.Buffers;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Access;
using MLflow.Server.Gateway;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>Calls of the gateway from pages.</summary>
public sealed class LocalCallTests
{
    private const string Answer = """{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}""";

    private static readonly byte[] Body = """{"model":"chat","messages":[{"role":"user","content":"Hi"}]}"""u8.ToArray();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_IsThatOfAnyClientAndItsTraceIsLinked()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer));
        var replays = new ReplayedCall("tr-" + new string('a', 32), new string('a', 32), new string('b', 16));

        await using var call = await SendAsync(gateway, replays: replays);
        Assert.Equal((200, Answer, "application/json"), (call.Status, await ReadAsync(call), call.ContentType));

        Assert.Contains(SomeGateway.Key, Assert.Single(gateway.Upstream.Requests).Headers["authorization"].Single(), StringComparison.Ordinal);
        var (info, span) = await gateway.TraceAsync(call.TraceId!);
        Assert.Equal(replays.TraceId, info.Metadata[ReplayedCall.MetadataKey]);
        var link = Assert.Single(span.Links);
        Assert.Equal((replays.OtelTraceId, replays.SpanId), (link.OtelTraceId, link.SpanId));
    }

    [Fact]
    public async Task Answer_ThatBreaksOff_KeepsWhatCameAndSaysSo()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nabcde\r\n");
            request.Reset();
        };
        await using var call = await SendAsync(gateway);
        // All is over, its trace stored too, before the first byte is read.
        await gateway.TraceAsync(call.TraceId!);
        Assert.Equal("abcde", Encoding.UTF8.GetString((await call.ReadAsync(Token))!.Value.ToArray()));

        await Assert.ThrowsAsync<AnswerBrokenException>(async () => await call.ReadAsync(Token));
    }

    [Fact]
    public async Task Call_StoppedByItsReader_EndsAtTheModelAndIsATrace()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        var ended = new TaskCompletionSource();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
            try
            {
                while (true)
                {
                    await request.SendAsync("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n");
                }
            }
            finally
            {
                ended.TrySetResult();
            }
        };
        var call = await SendAsync(gateway);
        var trace = call.TraceId!;
        Assert.NotNull(await call.ReadAsync(Token));

        await call.DisposeAsync();

        await ended.Task.WaitAsync(Token);
        await gateway.TraceAsync(trace);
    }

    [Fact]
    public async Task Call_OfWhoMayNot_IsRefusedAsForEveryClient()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync(more: ""","rate_limits":[{"calls":1,"key":"endpoint","renewal_period":"day"}]""");
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer));
        await gateway.UserAsync("root", Permission.Manage, TokenScope.Admin, isAdmin: true);
        await gateway.UserAsync("reader", Permission.Read, TokenScope.Write);
        await gateway.UserAsync("writer", Permission.Edit, TokenScope.Write);

        Assert.Equal(ErrorCode.UNAUTHENTICATED, (await Assert.ThrowsAsync<MlflowException>(() => SendAsync(gateway))).ErrorCode);
        await using var reader = await SendAsync(gateway, "reader");
        Assert.Equal(403, reader.Status);
        Assert.Contains("permission_denied", await ReadAsync(reader), StringComparison.Ordinal);
        await using var writer = await SendAsync(gateway, "writer");
        Assert.Equal(200, writer.Status);
        await using var again = await SendAsync(gateway, "writer");
        Assert.Equal(429, again.Status);
        Assert.Single(gateway.Upstream.Requests);
        var (info, _) = await gateway.TraceAsync(writer.TraceId!);
        Assert.Equal("writer", info.Metadata["mlflow.auth.username"]);
    }

    [Fact]
    public async Task Endpoint_SavedWithItsModels_IsMadeAllAtOnceOrNotAtAll()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        var administration = gateway.Services.GetRequiredService<GatewayAdministration>();
        var secretId = administration.Current().Secrets.Keys.Single();
        var choices = new[] { new ModelChoice(secretId, "gpt-4o-mini", 3, false), new ModelChoice(secretId, "gpt-4o", 1, true) };

        var refused = await Assert.ThrowsAsync<MlflowException>(() => administration.SaveEndpointAsync(Actor.CommandLine, null, choices, null, old => old with { Name = "other", Aliases = ["chat"] }, Token));
        Assert.Equal("aliases", refused.Field);
        refused = await Assert.ThrowsAsync<MlflowException>(() => administration.SaveEndpointAsync(Actor.CommandLine, null, [.. choices, choices[1]], null, old => old with { Name = "other" }, Token));
        Assert.Equal("model_configs", refused.Field);
        Assert.Single(administration.Current().Models);
        Assert.Equal(404, (await gateway.Server.SendAsync("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=gateway/other")).Status);

        var made = await administration.SaveEndpointAsync(Actor.CommandLine, null, choices, null, old => old with { Name = "other" }, Token);
        var catalog = administration.Current();
        Assert.Equal(["chat", "gpt-4o"], catalog.Models.Select(model => model.Name));
        Assert.Equal([(false, 3.0), (true, 1.0)], made.Models.Select(mapping => (mapping.IsFallback, mapping.Weight)));
        var inUse = Assert.Throws<MlflowException>(() => catalog.RequireUnused(secretId));
        Assert.Contains("endpoint 'chat', endpoint 'other'", inUse.Message, StringComparison.Ordinal);

        var changed = await administration.SaveEndpointAsync(Actor.CommandLine, made.Id, [choices[1] with { IsFallback = false }], null, old => old with { RecordContent = true }, Token);
        Assert.Equal((made.ExperimentId, made.Models[1].MappingId, true), (changed.ExperimentId, Assert.Single(changed.Models).MappingId, changed.RecordContent));
    }

    private static async Task<LocalCall> SendAsync(SomeGateway gateway, string? user = null, ReplayedCall? replays = null)
    {
        var principal = user is null ? Credential.Everyone : Credential.Of(Credential.Password, gateway.Services.GetRequiredService<IAccessStore>().ListUsers().Single(other => other.Name == user));
        return await LocalCall.SendAsync(gateway.Services.GetRequiredService<IServiceScopeFactory>(), principal, "chat/completions", Body, replays, Token);
    }

    private static async Task<string> ReadAsync(LocalCall call)
    {
        using var text = new MemoryStream();
        while (await call.ReadAsync(Token) is { } read)
        {
            text.Write(read.ToArray());
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }
}
