using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>Servers that do not hold spans get traces.json.</summary>
public sealed class TraceDataUploadTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Flush_ServerDoesNotSayItHasTheSpans_UploadsThem()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TellsSpansLocation = false;
        await using var client = Some.Client(server);
        string traceId;
        using (var root = client.StartSpan("root", SpanType.Chain))
        {
            traceId = root.TraceId;
            root.SetInputs(new { city = "東京" });
            root.SetAttribute("text", "plain");
            root.SetAttribute("half", 0.5);
            root.AddEvent("ev", [new("a", "{\"b\":1}"), new("n", 1)]);
            client.StartSpan("child").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        var upload = server.To("/api/2.0/mlflow-artifacts").Single();
        Assert.Equal($"/api/2.0/mlflow-artifacts/artifacts/0/traces/{traceId}/artifacts/traces.json", upload.Path);
        var spans = upload.Json.GetProperty("spans").EnumerateArray().ToList();
        Assert.Equal(["child", "root"], spans.Select(s => s.GetProperty("name").GetString()));
        Assert.Equal(spans[1].GetProperty("span_id").GetString(), spans[0].GetProperty("parent_span_id").GetString());
        Assert.Equal(JsonValueKind.Null, spans[1].GetProperty("parent_span_id").ValueKind);
        Assert.Equal(16, spans[1].GetProperty("trace_id").GetBytesFromBase64().Length);
        var attributes = spans[1].GetProperty("attributes");
        Assert.Equal($"\"{traceId}\"", attributes.GetProperty("mlflow.traceRequestId").GetString());
        Assert.Equal("\"CHAIN\"", attributes.GetProperty("mlflow.spanType").GetString());
        Assert.Equal("""{"city":"東京"}""", attributes.GetProperty("mlflow.spanInputs").GetString());
        Assert.Equal("\"plain\"", attributes.GetProperty("text").GetString());
        Assert.Equal("0.5", attributes.GetProperty("half").GetString());
        var recorded = spans[1].GetProperty("events")[0];
        Assert.Equal("{\"b\":1}", recorded.GetProperty("attributes").GetProperty("a").GetString());
        Assert.Equal(1, recorded.GetProperty("attributes").GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task Flush_ServerBefore34_SendsNoOtlpAndUploadsAllPartsOfALongTrace()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Version = "3.3.2";
        await using var client = Some.Client(server);
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans + 5; i++)
            {
                client.StartSpan("step").Dispose();
            }

            FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Empty(server.To("/v1/traces"));
        Assert.Equal(ActiveTrace.MaxHeldSpans + 6, server.To("/api/2.0/mlflow-artifacts").Single().Json.GetProperty("spans").GetArrayLength());
    }

    [Fact]
    public async Task Flush_ServerWithAFileStore_UploadsAfterItsRefusal()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces")
            {
                return false;
            }

            await LoopbackServer.AnswerAsync(context, StatusCodes.Status501NotImplemented, """{"detail":"REST OTLP span logging is not supported by FileStore"}""");
            return true;
        };
        await using var client = Some.Client(server);
        client.StartSpan("one").Dispose();
        client.StartSpan("two").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Single(server.To("/v1/traces"));
        Assert.Equal(2, server.To("/api/2.0/mlflow-artifacts").Count());
    }
}
