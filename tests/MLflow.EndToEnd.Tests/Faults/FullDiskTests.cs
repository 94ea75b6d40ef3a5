using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Google.Protobuf;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.EndToEnd.Tests.Faults;

public sealed class FullDiskTests
{
    private const int DiskBytes = 8 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_DiskIsFull_RefusesForNowKeepsWhatItAcknowledgedAndGoesOn()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        var disk = SmallDisk.Command(folder.Path, DiskBytes);
        await using var server = CliProcess.MlflowUnder(disk, elsewhere.Path, ["server", "--port", "0", "--backend-store-uri", folder.StoreUri]);
        var address = await server.ServerAsync(Token);
        using var http = new HttpClient { BaseAddress = address };
        using var api = new TrackingApi(address);
        var acknowledged = new List<string>();
        Assert.Equal(HttpStatusCode.OK, (await ExportAsync(http, acknowledged)).StatusCode);
        SmallDisk.Fill(server.Id, folder.Path);

        // The write-ahead log may have room within itself.
        HttpResponseMessage answer;
        do
        {
            answer = await ExportAsync(http, acknowledged);
        }
        while (answer.IsSuccessStatusCode);

        // Clients by the rules of OTLP send again after 503, and never after 500.
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("application/x-protobuf", answer.Content.Headers.ContentType?.MediaType);
        var error = await answer.Content.ReadAsStringAsync(Token);
        Assert.Contains("TEMPORARILY_UNAVAILABLE", error, StringComparison.Ordinal);
        Assert.Contains("disk is full", error, StringComparison.Ordinal);
        var location = new { mlflow_experiment = new { experiment_id = "0" } };
        var info = new { trace_id = "tr-refused", trace_location = location, request_preview = Random() };
        using (var refused = await http.PostAsJsonAsync("api/3.0/mlflow/traces", new { trace = new { trace_info = info } }, Token))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        await StoredAsync(api, acknowledged);

        // Our own client waits with what it has, and loses nothing by it.
        await using var client = new MlflowClient(new MlflowClientOptions
        {
            TrackingUri = address.ToString(),
            SpoolDirectory = Path.Combine(elsewhere.Path, "spool"),
            LoggerFactory = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
        });
        using (var span = client.StartSpan("waits"))
        {
            span.SetInputs(Random());
            acknowledged.Add(span.TraceId);
        }

        var early = await client.FlushAsync(Token);
        Assert.Equal((0, 0, 1), (early.Exported, early.Dropped, early.Pending + early.Spooled));

        SmallDisk.Free(server.Id, folder.Path);
        Assert.Equal(HttpStatusCode.OK, (await ExportAsync(http, acknowledged)).StatusCode);
        FlushResult late;
        do
        {
            late = await client.FlushAsync(Token);
        }
        while (late.Pending + late.Spooled > 0);

        Assert.Equal((1, 0), (late.Exported, late.Dropped));
        await StoredAsync(api, acknowledged);
        Assert.Equal(acknowledged.Count, (await api.SearchAsync("Default", Token)).Count);
        await server.SignalAsync("TERM", Token);
        Assert.Equal(0, await server.WaitAsync(Token));
    }

    private static async Task StoredAsync(TrackingApi api, IEnumerable<string> traceIds)
    {
        foreach (var traceId in traceIds)
        {
            Assert.Single(await api.SpansAsync(traceId, Token));
        }
    }

    /// <summary>Sends a span that does not compress, and notes its trace if it is acknowledged.</summary>
    private static async Task<HttpResponseMessage> ExportAsync(HttpClient http, List<string> acknowledged)
    {
        var traceId = RandomNumberGenerator.GetBytes(16);
        var span = new Span
        {
            TraceId = ByteString.CopyFrom(traceId),
            SpanId = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(8)),
            Name = "work",
            StartTimeUnixNano = 1_000_000_000,
            EndTimeUnixNano = 2_000_000_000,
            Attributes = { new KeyValue { Key = "mlflow.spanInputs", Value = new AnyValue { StringValue = Random() } } },
        };
        var request = new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { span } } } } } };
        using var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        var response = await http.PostAsync(new Uri("v1/traces", UriKind.Relative), content, Token);
        if (response.IsSuccessStatusCode)
        {
            acknowledged.Add("tr-" + Convert.ToHexStringLower(traceId));
        }

        return response;
    }

    private static string Random() => Convert.ToHexString(RandomNumberGenerator.GetBytes(50_000));
}
