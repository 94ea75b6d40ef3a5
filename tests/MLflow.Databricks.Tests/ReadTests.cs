using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Traces of experiments: reading, searching, feedback, tags, deleting.</summary>
public sealed class ReadTests : ClientTestBase
{
    [Theory]
    [InlineData("AWS_PRESIGNED_URL")]
    [InlineData("AZURE_ADLS_GEN2_SAS_URI")]
    public async Task GetTrace_OneThatEndedAMomentAgo_IsSentFirstAndComesWithItsSpans(string kind)
    {
        Workspace.Storage.Kind = Enum.Parse<StorageKind>(kind);
        var client = Client();
        var id = Trace(client);

        var trace = await client.GetTraceAsync(id, Token);

        Assert.Equal(id, trace.TraceId);
        Assert.Equal(["ask", "find"], trace.Spans.Select(s => s.Name).Order());
        Assert.Equal(id, client.GetLastActiveTraceId());
        Assert.Contains("東京", trace.Spans.Single(s => s.ParentId is null).Attributes["mlflow.spanInputs"].GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetTrace_ThatIsNotThere_IsNotFound()
    {
        var e = await Assert.ThrowsAsync<TraceNotFoundException>(() => Client().GetTraceAsync("tr-" + new string('0', 32), Token));
        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, e.ErrorCode);
    }

    [Fact]
    public async Task GetTrace_DocumentIsGone_SaysSo()
    {
        var client = Client();
        var id = Trace(client);
        await client.FlushAsync(Token);
        Workspace.Storage.Remove(Workspace.Storage.Objects.Keys.Single());

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetTraceAsync(id, Token));
        Assert.Contains($"The spans of trace '{id}' are not in the storage", e.Message, StringComparison.Ordinal);
        AssertNoSecrets(e.ToString());
    }

    [Fact]
    public async Task GetTrace_AddressHasEnded_GetsAnother()
    {
        var client = Client();
        var id = Trace(client);
        await client.FlushAsync(Token);
        var first = true;
        Workspace.Storage.Answering = () =>
        {
            if (first)
            {
                Workspace.Storage.ExpireAll();
                first = false;
            }
        };

        Assert.Equal(2, (await client.GetTraceAsync(id, Token)).Spans.Count);
        Assert.Equal([403, 200], Workspace.Storage.Requests.Skip(1).Select(r => r.Status));
    }

    [Fact]
    public async Task Search_PageByPage_FindsTracesWithTheirSpans()
    {
        var client = Client();
        for (var i = 0; i < 25; i++)
        {
            using var span = client.StartSpan("x");
            client.UpdateCurrentTrace(new TraceUpdate { Tags = { ["parity"] = i % 2 == 0 ? "even" : "odd" } });
        }

        await client.FlushAsync(Token);
        Workspace.Storage.Remove(TraceDataEndpoints.PathOf(Workspace.Traces.All.First(t => ApiRequest.Text(t.Tags, "parity") == "even")));

        var found = await client.SearchTracesAsync("tags.parity = 'even'", new TraceSearchOptions { PageSize = 5 }, Token).ToListAsync(Token);

        Assert.Equal(13, found.Count);

        // One that has lost its document does not end the search.
        Assert.Equal(12, found.Count(trace => trace.Spans.Count == 1));
        Assert.Equal(3, Workspace.To("/api/3.0/mlflow/traces/search").Count());
    }

    [Fact]
    public async Task Search_QuotaIsExceeded_WaitsAsTold()
    {
        var client = Client();
        Trace(client);
        await client.FlushAsync(Token);
        Workspace.Quotas.RefuseNext(QuotaGroup.SearchTraces, 2, TimeSpan.FromSeconds(1));

        Assert.Single(await client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token));
        Assert.Equal((2, 0), (Workspace.Quotas.Refused, Workspace.Quotas.Impatient));
    }

    [Fact]
    public async Task Feedback_IsLoggedReadChangedAndDeleted()
    {
        var client = Client();
        var id = Trace(client);
        var feedback = await client.LogFeedbackAsync(id, "helpful", true, rationale: "right city", cancellationToken: Token);
        await client.UpdateFeedbackAsync(id, feedback.AssessmentId!, value: false, cancellationToken: Token);
        Assert.False((await client.GetAssessmentAsync(id, feedback.AssessmentId!, Token)).Boolean);
        await client.LogExpectationAsync(id, "answer", new[] { "sunny" }, cancellationToken: Token);
        Assert.Equal(["helpful", "answer"], (await client.GetTraceAsync(id, Token)).Assessments.Select(a => a.Name));
        await client.DeleteAssessmentAsync(id, feedback.AssessmentId!, Token);
        Assert.Single((await client.GetTraceAsync(id, Token)).Assessments);
    }

    [Fact]
    public async Task Tags_AreSetAndDeleted()
    {
        var client = Client();
        var id = Trace(client);
        await client.SetTraceTagAsync(id, "tier", "gold", Token);
        Assert.Equal("gold", (await client.GetTraceAsync(id, Token)).Tags["tier"]);
        await client.DeleteTraceTagAsync(id, "tier", Token);
        Assert.DoesNotContain("tier", (await client.GetTraceAsync(id, Token)).Tags.Keys);
    }

    [Fact]
    public async Task Delete_ManyTraces_GoesInRequestsOfAHundred()
    {
        var client = Client();
        var ids = Enumerable.Range(0, 150).Select(_ => Trace(client)).ToList();
        await client.FlushAsync(Token);

        Assert.Equal(150, await client.DeleteTracesAsync(Workspace.Experiments.All.Single().Id, ids, Token));
        Assert.Equal(2, Workspace.To("/api/2.0/mlflow/traces/delete-traces").Count());
        Assert.Empty(Workspace.Traces.All);
    }

    [Fact]
    public async Task LinkToRun_MakesTracesFound()
    {
        var client = Client();
        var id = Trace(client);
        await client.LinkTracesToRunAsync([id], "run1", Token);
        Assert.Equal(id, (await client.SearchTracesAsync(options: new TraceSearchOptions { RunId = "run1" }, cancellationToken: Token).SingleAsync(Token)).TraceId);
    }

    [Fact]
    public async Task Experiments_AreFoundByAnyWayOfWritingTheirPath()
    {
        var client = Client();
        var created = await client.SetExperimentAsync("/Workspace/Shared/other", Token);
        Assert.Equal("/Shared/other", created.Name);
        Assert.Equal(created.ExperimentId, (await client.GetExperimentByNameAsync("/Shared/other", Token))!.ExperimentId);
        Assert.Equal(created.ExperimentId, (await client.GetExperimentByNameAsync("/Workspace/Shared/other", Token))!.ExperimentId);
        Assert.Equal("databricks", client.TrackingUri);
    }

    [Fact]
    public async Task Read_WithoutTheRight_IsToldAtOnce()
    {
        var client = Client();
        Workspace.Intercept = async (context, request) =>
        {
            if (!request.Path.Contains("/traces/", StringComparison.Ordinal))
            {
                return false;
            }

            await ApiAnswers.RefuseAsync(context, 403, "PERMISSION_DENIED", "User does not have permission to view it.");
            return true;
        };
        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetTraceAsync("tr-" + new string('1', 32), Token));
        Assert.Equal(MlflowErrorCode.PermissionDenied, e.ErrorCode);
        Assert.Single(Workspace.Requests);
    }
}
