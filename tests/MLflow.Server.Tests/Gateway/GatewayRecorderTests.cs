using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MLflow.Server.Gateway;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Operations;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>What calls come to where they cannot be recorded or stored as they should be.</summary>
public sealed class GatewayRecorderTests
{
    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_ThatCannotBeStoredYet_TakeRoomHoweverSmallTheyAre()
    {
        const int Calls = 20;
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer("Hi")));
        var recorder = gateway.Services.GetRequiredService<GatewayRecorder>();
        await using (var other = new SqliteConnection($"Data Source={Path.Combine(gateway.Server.Folder, "mlflow.db")};Pooling=false"))
        {
            // The database's one writer waits for it.
            await other.OpenAsync(Token);
            await using var command = other.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            await command.ExecuteNonQueryAsync(Token);
            for (var i = 0; i < Calls; i++)
            {
                Assert.Equal(200, (await gateway.SendAsync(SomeGateway.Request())).Status);
            }

            string metrics;
            do
            {
                metrics = await gateway.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Token);
            }
            while (recorder.KeptBytes > 0);

            Assert.InRange(recorder.WaitingBytes, (Calls - 1) * 1024, Calls * 4096);
            Assert.Contains("mlflow_server_gateway_waiting_bytes", metrics, StringComparison.Ordinal);
        }

        var store = gateway.Services.GetRequiredService<IGatewayStore>();
        while (recorder.WaitingBytes > 0)
        {
            // It is being stored.
            await gateway.Client.GetStringAsync(new Uri("/health", UriKind.Relative), Token);
        }

        var usage = Assert.Single(store.ListUsage(0));
        Assert.Equal((Calls, 1000 * Calls, 20 * Calls), (usage.Calls, usage.InputTokens, usage.OutputTokens));
    }

    [Fact]
    public async Task Answer_LongerThanIsKept_IsTold()
    {
        using var log = new KeptLog();
        await using var gateway = await SomeGateway.StartAsync(options => options.ConfigureLogging = logging => logging.AddProvider(log));
        await gateway.AddAsync();
        gateway.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(Answer(new string('x', 5 << 20))));

        await gateway.TraceAsync((await gateway.SendAsync(SomeGateway.Request())).Response);

        Assert.Contains(log.Entries, entry => entry.StartsWith("Warning", StringComparison.Ordinal) && entry.Contains("The tokens of some calls of the gateway are not known", StringComparison.Ordinal));
        Assert.Matches("""mlflow_server_rejected_total\{.*reason="gateway_tokens".*\} 1""", await gateway.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Token));
    }

    private static string Answer(string text) =>
        $$$"""{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"{{{text}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":20,"total_tokens":1020}}""";
}
