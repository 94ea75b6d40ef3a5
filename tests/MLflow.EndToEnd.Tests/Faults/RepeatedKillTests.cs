using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Google.Protobuf;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.EndToEnd.Tests.Faults;

/// <summary>A few of the kills of <c>eng/long/crash.sh</c>.</summary>
public sealed class RepeatedKillTests
{
    private const int Kills = 4;
    private const int Clients = 6;
    private const int Spans = 4;
    private const int AnswersBetweenKills = 40;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_KilledAgainAndAgain_HasWhatItAcknowledgedAndNothingByHalf()
    {
        using var folder = new TemporaryFolder();
        var (acknowledged, unanswered) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        var server = Start(folder);
        for (var kill = 0; kill < Kills; kill++)
        {
            // What an earlier kill left, the start has mended without a word.
            var address = await server.ServerAsync(Token);
            var answers = new SemaphoreSlim(0);
            var clients = Enumerable.Range(0, Clients).Select(_ => Task.Run(() => ExportAsync(address, acknowledged, unanswered, answers), Token)).ToList();
            for (var i = 0; i < AnswersBetweenKills; i++)
            {
                await answers.WaitAsync(Token);
            }

            await server.KillAsync(Token);
            await server.DisposeAsync();
            await Task.WhenAll(clients);
            server = Start(folder);
        }

        await using var last = server;
        using var api = new TrackingApi(await server.ServerAsync(Token));
        foreach (var traceId in acknowledged)
        {
            Assert.Equal(Spans, (await api.SpansAsync(traceId, Token)).Count);
        }

        using var http = new HttpClient { BaseAddress = await server.ServerAsync(Token) };
        foreach (var traceId in unanswered)
        {
            using var answer = await http.GetAsync(new Uri("api/3.0/mlflow/traces/" + traceId, UriKind.Relative), Token);
            if (answer.StatusCode != HttpStatusCode.NotFound)
            {
                Assert.Equal(Spans, (await api.SpansAsync(traceId, Token)).Count);
            }
        }

        await using var check = CliProcess.Mlflow(folder.Path, ["db", "check", "--backend-store-uri", folder.StoreUri]);
        Assert.Equal((0, ""), (await check.WaitAsync(Token), check.Errors));
    }

    /// <summary>Sends traces until the server is gone.</summary>
    private static async Task ExportAsync(Uri server, ConcurrentBag<string> acknowledged, ConcurrentBag<string> unanswered, SemaphoreSlim answers)
    {
        using var http = new HttpClient { BaseAddress = server };
        while (true)
        {
            var id = RandomNumberGenerator.GetBytes(16);
            var traceId = "tr-" + Convert.ToHexStringLower(id);
            using var content = new ByteArrayContent(Request(id).ToByteArray());
            content.Headers.ContentType = new("application/x-protobuf");
            try
            {
                using var answer = await http.PostAsync(new Uri("v1/traces", UriKind.Relative), content, Token);
                answer.EnsureSuccessStatusCode();
                acknowledged.Add(traceId);
                answers.Release();
            }
            catch (HttpRequestException e) when (e.StatusCode is null)
            {
                unanswered.Add(traceId);
                return;
            }
        }
    }

    private static ExportTraceServiceRequest Request(byte[] traceId)
    {
        var scope = new ScopeSpans();
        for (var i = 1; i <= Spans; i++)
        {
            scope.Spans.Add(new Span
            {
                TraceId = ByteString.CopyFrom(traceId),
                SpanId = Id(i),
                ParentSpanId = i == 1 ? ByteString.Empty : Id(1),
                Name = "work",
                StartTimeUnixNano = 1_000_000_000,
                EndTimeUnixNano = 2_000_000_000,
                Attributes = { new KeyValue { Key = "mlflow.spanInputs", Value = new AnyValue { StringValue = Convert.ToHexString(RandomNumberGenerator.GetBytes(2000)) } } },
            });
        }

        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { scope } } } };

        static ByteString Id(int number) => ByteString.CopyFrom([0, 0, 0, 0, 0, 0, 0, (byte)number]);
    }

    private static CliProcess Start(TemporaryFolder folder) => CliProcess.Mlflow(
        folder.Path, ["server", "--port", "0", "--otlp-grpc-port", "none", "--backend-store-uri", folder.StoreUri], ("MLFLOW_SPOOL_DIRECTORY", "none"));
}
