using System.Net;
using System.Net.Sockets;
using System.Text;
using MLflow.Server.Hosting;
using MLflow.Server.Tests.Hardening;
using Xunit;

namespace MLflow.Server.Tests.Operations;

public sealed class DrainTests
{
    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stop_WithARequestUnderWay_FinishesItAndRefusesOthers()
    {
        await using var server = await HardenedServer.StartAsync();
        using var upload = new TcpClient();
        await using var stream = await BeginUploadAsync(upload, server);

        var stopping = server.Server.DisposeAsync().AsTask();

        var ready = await server.SendAsync("GET", "/health/ready");
        Assert.Equal(503, ready.Status);
        Assert.Contains("the server is stopping", ready.Body, StringComparison.Ordinal);
        var refused = await server.PostJsonAsync("/api/2.0/mlflow/experiments/create", """{"name":"late"}""");
        Assert.Equal((503, "2"), (refused.Status, refused.Response.Headers.GetValues("Retry-After").Single()));
        Assert.Equal("""{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The server is stopping, and nothing of the request was stored; send it again."}""", refused.Body);
        Assert.Equal(200, (await server.SendAsync("GET", "/health")).Status);
        Assert.False(stopping.IsCompleted);

        await stream.WriteAsync("second"u8.ToArray(), Token);
        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 200", await reader.ReadToEndAsync(Token), StringComparison.Ordinal);
        await stopping;
        Assert.Equal("first second", await File.ReadAllTextAsync(Path.Combine(server.Artifacts, "file"), Token));
    }

    [Fact]
    public async Task Stop_WithARequestThatNeverEnds_EndsAtTheDeadline()
    {
        await using var server = await HardenedServer.StartAsync(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        using var upload = new TcpClient();
        await using var stream = await BeginUploadAsync(upload, server);

        await server.Server.DisposeAsync();

        Assert.False(File.Exists(Path.Combine(server.Artifacts, "file")));
    }

    [Fact]
    public async Task Drain_ManyRequestsAtOnce_IsEmptyOnlyAfterTheLast()
    {
        var drain = new Drain();
        Assert.True(drain.TryEnter());
        var empty = Task.CompletedTask;
        await Parallel.ForAsync(0, 1000, Token, (i, _) =>
        {
            if (i == 500)
            {
                empty = drain.BeginAsync();
            }
            else if (drain.TryEnter())
            {
                drain.Leave();
            }

            return ValueTask.CompletedTask;
        });

        Assert.False(empty.IsCompleted);
        Assert.False(drain.TryEnter());
        drain.Leave();
        await empty;
    }

    // The server says "100 Continue" when it begins to read the body: the request is under way then.
    private static async Task<NetworkStream> BeginUploadAsync(TcpClient client, HardenedServer server)
    {
        await client.ConnectAsync(IPAddress.Loopback, server.Server.BaseAddress.Port, Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("PUT /api/2.0/mlflow-artifacts/artifacts/file HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 12\r\n\r\n"), Token);
        var answer = new byte[25];
        await stream.ReadExactlyAsync(answer, Token);
        Assert.StartsWith("HTTP/1.1 100 Continue", Encoding.ASCII.GetString(answer), StringComparison.Ordinal);
        await stream.WriteAsync("first "u8.ToArray(), Token);
        return stream;
    }
}
