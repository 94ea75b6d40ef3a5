using System.Text.Json.Nodes;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

public sealed class ExportTests : ClientTestBase
{
    [Theory]
    [InlineData("AWS_PRESIGNED_URL")]
    [InlineData("GCP_SIGNED_URL")]
    [InlineData("AZURE_SAS_URI")]
    [InlineData("AZURE_ADLS_GEN2_SAS_URI")]
    public async Task Flush_OneTrace_SendsFactsAndDocument(string kind)
    {
        Workspace.Storage.Kind = Enum.Parse<StorageKind>(kind);
        var client = Client();
        var id = Trace(client);

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        var trace = Assert.Single(Workspace.Traces.All);
        Assert.Equal(id, trace.Id);
        Assert.Equal(Experiment, Workspace.Experiments.Find(trace.Place)!.Name);
        Assert.Equal("sunny", ApiRequest.Text(trace.Info, "response_preview")?.Trim('"'));
        var document = JsonNode.Parse(Workspace.Storage.Objects[TraceDataEndpoints.PathOf(trace)])!;
        Assert.Equal(["ask", "find"], document["spans"]!.AsArray().Select(s => s!["name"]!.GetValue<string>()).Order());
        Assert.Equal(
            ["GET /api/2.0/mlflow/experiments/get-by-name", "POST /api/2.0/mlflow/experiments/create", "POST /api/3.0/mlflow/traces", $"GET /api/2.0/mlflow/traces/{id}/credentials-for-data-upload"],
            Workspace.Requests.Select(r => $"{r.Method} {r.Path}"));
        Assert.Empty(Log.Lines);
    }

    [Theory]
    [InlineData("AZURE_SAS_URI", 4)]
    [InlineData("AZURE_ADLS_GEN2_SAS_URI", 5)]
    public async Task Flush_DocumentLargerThanABlock_GoesInPieces(string kind, int requests)
    {
        Workspace.Storage.Kind = Enum.Parse<StorageKind>(kind);
        var client = Client();
        var text = string.Concat(Enumerable.Repeat("it rains. ", 100_000));
        const int steps = 21;
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < steps; i++)
            {
                using var step = client.StartSpan("step");
                step.SetInputs(text);
            }
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        Assert.Equal(requests, Workspace.Storage.Requests.Count);
        var document = JsonNode.Parse(Workspace.Storage.Objects.Values.Single())!["spans"]!.AsArray();
        Assert.Equal(steps + 1, document.Count);
        Assert.Equal(steps, document.Count(span => span!["attributes"]!["mlflow.spanInputs"]?.GetValue<string>().Length >= text.Length));
    }

    [Fact]
    public async Task Flush_LongInputs_PreviewIsAsLongAsAWorkspaceKeeps()
    {
        var client = Client();
        Trace(client, new string('a', 20_000));
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal(TraceInfoRules.MaxPreview, ApiRequest.Text(Workspace.Traces.All.Single().Info, "request_preview")!.Length);
    }

    [Fact]
    public async Task Flush_ManyTraces_AreSentAtTheSameTimeAndEachOnce()
    {
        var client = Client();
        for (var i = 0; i < 150; i++)
        {
            Trace(client);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 150);

        Assert.Equal(150, Workspace.Traces.All.Count);
        Assert.Equal(150, Workspace.Storage.Objects.Count);
        Assert.All(Workspace.Traces.All, trace => Assert.Equal(1, trace.Starts));
        Assert.Single(Workspace.To("/api/2.0/mlflow/experiments/get-by-name"));
    }

    [Fact]
    public async Task Flush_TraceOfSeveralExports_IsOneDocument()
    {
        var client = Client();
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans + 100; i++)
            {
                client.StartSpan("step").Dispose();
            }
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal(ActiveTrace.MaxHeldSpans + 101, JsonNode.Parse(Workspace.Storage.Objects.Values.Single())!["spans"]!.AsArray().Count);
    }

    [Fact]
    public async Task Requests_ToTheWorkspace_CarryThePersonalToken()
    {
        var token = Workspace.Tokens.AddPersonal();
        var client = Client(options => options.Databricks.Token = token);
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        Assert.All(Workspace.Requests, request => Assert.Equal("Bearer " + token, request.Header("Authorization")));
        Assert.All(Workspace.Storage.Requests, request => Assert.Null(request.Header("Authorization")));
    }
}
