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
            Assert.False((await store.RemapAsync(Token)).IsMore);
        }
    }

    [Fact]
    public async Task Start_SpanThatCannotBeMapped_StaysAndKeepsNoOtherFromIt()
    {
        await WriteOldAsync("UPDATE span_payloads SET codec = 1, payload = x'00' WHERE rowid = 3");

        await using var server = await StartAsync();
        await server.Services.GetServices<IHostedService>().OfType<ConventionRemapping>().Single().ExecuteTask!;

        Assert.Equal(["UNKNOWN"], Types("WHERE rowid = 3"));
        Assert.Equal(Enumerable.Repeat("CHAT_MODEL", Spans - 1), Types("WHERE rowid <> 3"));
        Assert.Equal(ConventionMapper.Version, Version());
    }

    [Fact]
    public async Task Start_AnotherVersionWasInterrupted_MapsAlsoWhatThatHasDone()
    {
        await WriteOldAsync("UPDATE convention_mapping SET version = 0, done_rowid = 300, target = 999");

        await using var server = await StartAsync();
        await server.Services.GetServices<IHostedService>().OfType<ConventionRemapping>().Single().ExecuteTask!;

        Assert.Equal(Enumerable.Repeat("CHAT_MODEL", Spans), Types(""));
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

    /// <summary>Spans as a version that knew no conventions would have left them, and a change of that.</summary>
    private async Task WriteOldAsync(string sql)
    {
        await using (var server = await StartAsync())
        {
            await server.Services.GetRequiredService<ITraceStore>().WriteAsync(new TraceBatch { Spans = [.. Enumerable.Range(1, Spans).Select(Span)] }, Token);
        }

        Execute(
            "UPDATE spans SET type = 'UNKNOWN'; UPDATE span_payloads SET codec = 0, payload = CAST('{\"a\":{\"gen_ai.operation.name\":\"chat\"}}' AS BLOB); "
            + "UPDATE convention_mapping SET version = 0, done_rowid = 0, target = 0; " + sql);
    }

    private List<string> Types(string where)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT type FROM spans {where}";
        using var reader = command.ExecuteReader();
        var types = new List<string>();
        while (reader.Read())
        {
            types.Add(reader.GetString(0));
        }

        return types;
    }

    private long Version()
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT version FROM convention_mapping";
        return (long)command.ExecuteScalar()!;
    }

    private void Execute(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={_folder.File("mlflow.db")};Pooling=False");
        connection.Open();
        return connection;
    }

    private Task<MlflowServer> StartAsync() =>
        MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + _folder.File("mlflow.db") }, Token);
}
