using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MLflow.Server.Conventions;
using MLflow.Server.Hosting;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Hosting;

public sealed class ConventionRemappingTests : IDisposable
{
    private const int Spans = 450;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Start_SpansMappedByAnOlderVersion_AreMappedAgainFromWhatWasSent()
    {
        await using (var server = await StartAsync())
        {
            var store = server.Services.GetRequiredService<ITraceStore>();
            await store.WriteAsync(new TraceBatch { Spans = [.. Enumerable.Range(1, Spans).Select(Span)] }, Token);
            await store.WriteLogsAsync([new SpanLogRecord(OtelId(1), SpanId(1), new SpanEventRecord("gen_ai.choice", 1, [new("body", """{"message":{"content":"Hi."}}""")]))], Token);
        }

        // As a version that knew no conventions would have left it.
        await using (var connection = new SqliteConnection($"Data Source={_folder.File("mlflow.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """
                UPDATE spans SET type = 'UNKNOWN', model = NULL, input_tokens = NULL, output_tokens = NULL, total_tokens = NULL;
                UPDATE span_payloads SET codec = 0, payload = CAST('{"a":{"gen_ai.operation.name":"chat","gen_ai.request.model":"m","gen_ai.usage.input_tokens":3,"gen_ai.usage.output_tokens":4}}' AS BLOB);
                UPDATE traces SET model = NULL, input_tokens = NULL;
                UPDATE convention_mapping SET version = 0, done_rowid = 0;
                """;
            command.ExecuteNonQuery();
        }

        await using (var server = await StartAsync())
        {
            await server.Services.GetServices<IHostedService>().OfType<ConventionRemapping>().Single().ExecuteTask!;
            var store = server.Services.GetRequiredService<ITraceStore>();

            foreach (var i in new[] { 1, 200, 201, Spans })
            {
                var span = Assert.Single(await store.GetSpansAsync("tr-" + OtelId(i), Token));
                Assert.Equal(("CHAT_MODEL", "\"m\""), (span.Type, span["mlflow.llm.model"]));
                Assert.Equal(4, span.Sent!.Attributes.Count);
            }

            Assert.Contains("Hi.", Assert.Single(await store.GetSpansAsync("tr-" + OtelId(1), Token))["mlflow.spanOutputs"], StringComparison.Ordinal);
            var info = Assert.Single(await store.GetInfosAsync(["tr-" + OtelId(Spans)], Token));
            Assert.Equal(("m", 3L), (info.Facts.Model, info.Facts.InputTokens));
            Assert.False(await store.RemapAsync(Token));
        }
    }

    [Fact]
    public void Stamp_HasTheVersion() => Assert.Contains($"\"version\":{ConventionMapper.Version}", ConventionMapper.Map(Span(1), [])[ConventionMapper.Stamp], StringComparison.Ordinal);

    private static SpanRecord Span(int i) => new()
    {
        TraceId = "tr-" + OtelId(i),
        OtelTraceId = OtelId(i),
        SpanId = SpanId(i),
        Name = "s",
        Type = "UNKNOWN",
        StartNs = 1,
        EndNs = 2,
        Attributes = [new("gen_ai.operation.name", "\"chat\"")],
    };

    private static string OtelId(int i) => i.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    private static string SpanId(int i) => i.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    private Task<MlflowServer> StartAsync() =>
        MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + _folder.File("mlflow.db") }, Token);
}
